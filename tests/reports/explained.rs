//! What there is to ask for, and what it means.

use super::said::Said;

/// Calls that ask for it.
pub(crate) fn all(said: &mut Said<'_>) {
    said.says(
        "api-resources --api-group=system.kdoctor.io",
        "
        NAME             SHORTNAMES   APIVERSION                  NAMESPACED   KIND
        kdoctorreports   kr           system.kdoctor.io/v1beta1   false        KdoctorReport
        ",
    );
    said.says(
        "api-resources --categories=kdoctor -o name",
        "
        netreaches.kdoctor.io
        kdoctorreports.system.kdoctor.io
        ",
    );
    said.says(
        "api-resources --api-group=system.kdoctor.io --verbs=delete",
        "NAME   SHORTNAMES   APIVERSION   NAMESPACED   KIND",
    );
    said.says("get apiservice v1beta1.system.kdoctor.io -o 'jsonpath={.status.conditions[0].type}={.status.conditions[0].status}'", "Available=True");
    said.says("get --raw /apis/system.kdoctor.io/v1beta1", r#"{"apiVersion":"v1","groupVersion":"system.kdoctor.io/v1beta1","kind":"APIResourceList","resources":[{"categories":["kdoctor"],"group":"system.kdoctor.io","kind":"KdoctorReport","name":"kdoctorreports","namespaced":false,"shortNames":["kr"],"singularName":"kdoctorreport","verbs":["get","list","watch"],"version":"v1beta1"},{"group":"system.kdoctor.io","kind":"KdoctorReportRoundList","name":"kdoctorreports/rounds","namespaced":false,"singularName":"","verbs":["get"],"version":"v1beta1"}]}"#);
    meanings(said);
}

fn meanings(said: &mut Said<'_>) {
    said.says(
        "explain kdoctorreport",
        "
        GROUP:      system.kdoctor.io
        KIND:       KdoctorReport
        VERSION:    v1beta1

        DESCRIPTION:
            The report of a NetReach's newest closed round. It is made by rounds and can
            only be read.

        FIELDS:
          apiVersion	<string> -required-
            Group and version of the object.

          kind	<string> -required-
            Kind of the object.

          metadata	<Object> -required-
            ObjectMeta is metadata that all persisted resources must have, which
            includes all objects users must create.

          spec	<Object> -required-
            The report.

          status	<Object>
            What the object does not show; absent when it is whole.
        ",
    );
    said.says(
        "explain kdoctorreport.spec.Verdict",
        "
        GROUP:      system.kdoctor.io
        KIND:       KdoctorReport
        VERSION:    v1beta1

        FIELD: Verdict <string>


        DESCRIPTION:
            `succeed`, `fail` or `unknown`, of the whole round.
        ",
    );
    said.says(
        "explain kdoctorreport.status.truncated",
        "
        GROUP:      system.kdoctor.io
        KIND:       KdoctorReport
        VERSION:    v1beta1

        FIELD: truncated <Object>


        DESCRIPTION:
            What was left out, and how to see it.

        FIELDS:
          agents	<integer> -required-
            Agents without an entry in Report.

          command	<string> -required-
            The command that shows one node's part whole.

          details	<integer> -required-
            Targets without an entry in a Detail, those of such agents included.

          reasons	<integer>
            Reasons that FailureReasons does not tell; each stands at its target all the
            same.
        ",
    );
    depths(said);
}

fn depths(said: &mut Said<'_>) {
    said.says(
        "explain kdoctorreport.spec.Report.NetReachTask.Detail.Metrics.Latencies",
        "
        GROUP:      system.kdoctor.io
        KIND:       KdoctorReport
        VERSION:    v1beta1

        FIELD: Latencies <Object>


        DESCRIPTION:
            From a probe's first system call to the last byte of its answer.

        FIELDS:
          MaxInMs	<number> -required-
            Longest. In milliseconds.

          MeanInMs	<number> -required-
            Mean. In milliseconds.

          MinInMs	<number> -required-
            Shortest. In milliseconds.

          P50InMs	<number> -required-
            Half do not pass it. In milliseconds.

          P90InMs	<number> -required-
            90 % do not pass it. In milliseconds.

          P95InMs	<number> -required-
            95 % do not pass it. In milliseconds.

          P99InMs	<number> -required-
            99 % do not pass it. In milliseconds.
        ",
    );
    said.refuses(
        "explain kdoctorreport.spec.Nothing",
        r#"
        GROUP:      system.kdoctor.io
        KIND:       KdoctorReport
        VERSION:    v1beta1

        error: field "Nothing" does not exist
        "#,
    );
}
