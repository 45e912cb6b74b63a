//! Who may look at reports.

use super::calls::GROUP;
use super::said::Said;
use super::shelf::Shelf;

/// What kubectl says of everything without a namespace.
const UNSCOPED: &str =
    "Warning: resource 'kdoctorreports' is not namespace scoped in group 'system.kdoctor.io'";

#[test]
fn who_may_look_looks_and_nobody_else() {
    let shelf = Shelf::new();
    let ground = &shelf.ground;
    let list = ground.kubectl.call("get --raw").arg(format!("{GROUP}/kdoctorreports")).run().json();
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    for (name, role) in
        [("viewer", Some("netreach-viewer")), ("editor", Some("netreach-editor")), ("stranger", None)]
    {
        let user = ground.user(name, role);
        let mut said = Said::by(&user);
        said.known(version, "<version>");
        if role.is_some() {
            may(&mut said);
        } else {
            may_not(&mut said);
        }
        said.all_well();
    }
}

fn may(said: &mut Said<'_>) {
    for verb in ["get", "list", "watch"] {
        said.says(&format!("auth can-i {verb} kdoctorreports"), &format!("yes\n{UNSCOPED}"));
    }
    said.says("auth can-i get kdoctorreports --subresource=rounds", &format!("yes\n{UNSCOPED}"));
    said.refuses("auth can-i delete kdoctorreports", &format!("no\n{UNSCOPED}"));
    said.says("get kr netreach-alpha -o name", "kdoctorreport.system.kdoctor.io/netreach-alpha");
    said.says(
        "get kr -o name",
        "
        kdoctorreport.system.kdoctor.io/netreach-alpha
        kdoctorreport.system.kdoctor.io/netreach-beta
        kdoctorreport.system.kdoctor.io/netreach-gamma
        ",
    );
    said.says(
        &format!("get --raw {GROUP}/kdoctorreports/netreach-alpha/rounds?failed=true"),
        r#"{"kind":"KdoctorReportRoundList","apiVersion":"system.kdoctor.io/v1beta1","metadata":{"resourceVersion":"<version>"},"items":[]}"#,
    );
}

fn may_not(said: &mut Said<'_>) {
    let forbidden = |which: &str, verb: &str, resource: &str| {
        format!(
            "Error from server (Forbidden): kdoctorreports.system.kdoctor.io{which} is forbidden: User \"stranger\" cannot {verb} \
             resource \"{resource}\" in API group \"system.kdoctor.io\" at the cluster scope"
        )
    };
    let one = " \"netreach-alpha\"";
    said.refuses("auth can-i list kdoctorreports", &format!("no\n{UNSCOPED}"));
    said.refuses("auth can-i get kdoctorreports --subresource=rounds", &format!("no\n{UNSCOPED}"));
    said.refuses("get kr", &forbidden("", "list", "kdoctorreports"));
    said.refuses("get kr netreach-alpha", &forbidden(one, "get", "kdoctorreports"));
    let rounds = format!("get --raw {GROUP}/kdoctorreports/netreach-alpha/rounds");
    said.refuses(&rounds, &forbidden(one, "get", "kdoctorreports/rounds"));
    said.refuses("delete kr netreach-alpha", &forbidden(one, "delete", "kdoctorreports"));
}
