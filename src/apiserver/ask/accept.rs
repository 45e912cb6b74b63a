//! `Accept` → in which form to answer (RFC 9110, section 12.5.1, with Kubernetes' parameters `as`, `g` and `v`). Pure.

/// In which form something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Whole,
    /// `Table` of `meta.k8s.io/v1`.
    Table,
    /// `PartialObjectMetadata`, or a list of them, of `meta.k8s.io/v1`.
    Metadata,
    /// `APIGroupDiscoveryList` of this version of `apidiscovery.k8s.io`.
    Aggregated(&'static str),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// One object.
    Object,
    /// All, or some.
    List,
    /// What becomes of them.
    Watch,
    /// The groups there are.
    Groups,
    /// What has but one form.
    Plain,
}

/// The form that is liked best; none when there is no form that would do.
pub(crate) fn negotiate(accept: &str, of: Of) -> Option<Form> {
    if accept.trim().is_empty() {
        return Some(Form::Whole);
    }
    let mut ranges: Vec<Range<'_>> = accept.split(',').map(Range::parse).collect();
    // Stable: of those liked alike the first one counts.
    ranges.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    ranges.iter().filter(|range| range.weight > 0.0).find_map(|range| range.form(of))
}

/// One range of an `Accept` header.
struct Range<'a> {
    media: &'a str,
    weight: f32,
    target: Option<Target<'a>>,
    /// Whether it asks for a stream of events.
    is_stream: bool,
    /// Whether it asks for something that is not there.
    is_beyond_us: bool,
}

/// What the object is to be turned into.
#[derive(Default)]
struct Target<'a> {
    kind: &'a str,
    group: &'a str,
    version: &'a str,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let mut range = Self { media, weight: 1.0, target: None, is_stream: false, is_beyond_us: false };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim_end(), value.trim().trim_matches('"'));
            match name {
                "q" => range.weight = value.parse().unwrap_or(1.0),
                "as" => range.target.get_or_insert_default().kind = value,
                "g" => range.target.get_or_insert_default().group = value,
                "v" => range.target.get_or_insert_default().version = value,
                "stream" => range.is_stream |= !value.is_empty(),
                "sv" => range.is_beyond_us |= !value.is_empty(),
                // As Kubernetes does: a charset, or whatever else somebody may send, changes nothing.
                _ => {}
            }
        }
        range
    }

    fn form(&self, of: Of) -> Option<Form> {
        let is_json = ["application/json", "application/*", "*/*"]
            .iter()
            .any(|media| media.eq_ignore_ascii_case(self.media));
        if !is_json || self.is_beyond_us || (self.is_stream && of != Of::Watch) {
            return None;
        }
        let Some(Target { kind, group, version }) = &self.target else { return Some(Form::Whole) };
        match (*group, *version, *kind, of) {
            ("meta.k8s.io", "v1", "Table", Of::Object | Of::List | Of::Watch) => Some(Form::Table),
            ("meta.k8s.io", "v1", "PartialObjectMetadata", Of::Object | Of::Watch)
            | ("meta.k8s.io", "v1", "PartialObjectMetadataList", Of::List) => Some(Form::Metadata),
            ("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList", Of::Groups) => {
                Some(Form::Aggregated("v2"))
            }
            ("apidiscovery.k8s.io", "v2beta1", "APIGroupDiscoveryList", Of::Groups) => {
                Some(Form::Aggregated("v2beta1"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

    fn check(accept: &str, of: Of, form: Option<Form>) {
        assert_eq!(negotiate(accept, of), form, "{accept} of {of:?}");
    }

    #[test]
    fn the_first_form_we_have_counts() {
        let kubectl = format!("{TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json");
        check(&kubectl, Of::List, Some(Form::Table));
        check("", Of::List, Some(Form::Whole));
        check("*/*", Of::Object, Some(Form::Whole));
        check("application/*; charset=utf-8", Of::Object, Some(Form::Whole));
        check("Application/JSON", Of::Object, Some(Form::Whole));
        check("application/vnd.kubernetes.protobuf, application/json", Of::List, Some(Form::Whole));
        check(
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            Of::List,
            Some(Form::Whole),
        );
        check(&format!("application/json;stream=watch,{TABLE}"), Of::List, Some(Form::Table));
        check(&format!("application/json;sv=1,{TABLE}"), Of::List, Some(Form::Table));
    }

    #[test]
    fn weights_are_honoured() {
        check(&format!("{TABLE};q=0.5,application/json;q=0.9"), Of::List, Some(Form::Whole));
        check(&format!("application/json;q=0.5 , {TABLE}; q = \"0.9\""), Of::List, Some(Form::Table));
        check(&format!("{TABLE};q=0,application/json"), Of::List, Some(Form::Whole));
        check(&format!("{TABLE};q=x"), Of::List, Some(Form::Table));
        check("application/json;q=0", Of::List, None);
        check("application/json;q=NaN", Of::List, None);
    }

    #[test]
    fn what_we_do_not_have_is_not_given_for_something_else() {
        for accept in [
            "application/yaml",
            "text/html",
            "application/vnd.kubernetes.protobuf",
            "application/json;as=Table;v=v1;g=other",
            "application/json;as=Table",
            "application/json;as=Chair;v=v1;g=meta.k8s.io",
            "application/json;stream=watch",
            ",;,",
        ] {
            check(accept, Of::List, None);
            check(accept, Of::Object, None);
        }
        let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
        check(metadata, Of::Object, Some(Form::Metadata));
        check(metadata, Of::List, None);
        let list = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
        check(list, Of::List, Some(Form::Metadata));
        check(list, Of::Object, None);
        check(TABLE, Of::Plain, None);
        check(TABLE, Of::Groups, None);
    }

    #[test]
    fn a_watch_is_a_stream_of_single_objects() {
        for accept in ["application/json", "application/json;stream=watch", "*/*"] {
            check(accept, Of::Watch, Some(Form::Whole));
        }
        check(&format!("{TABLE};stream=watch"), Of::Watch, Some(Form::Table));
        let metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,\
                        application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
        check(metadata, Of::Watch, Some(Form::Metadata));
        check("application/vnd.kubernetes.protobuf;stream=watch", Of::Watch, None);
    }

    #[test]
    fn groups_are_told_with_all_that_is_in_them_where_that_is_asked_for() {
        let aggregated = |version: &str| {
            format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList")
        };
        let (v2, v2beta1) = (aggregated("v2"), aggregated("v2beta1"));
        check(&format!("{v2},{v2beta1}"), Of::Groups, Some(Form::Aggregated("v2")));
        check(&format!("{v2beta1},{v2}"), Of::Groups, Some(Form::Aggregated("v2beta1")));
        check(
            &format!("{};profile=nopeer,{v2},application/json", aggregated("v3")),
            Of::Groups,
            Some(Form::Aggregated("v2")),
        );
        check("application/json", Of::Groups, Some(Form::Whole));
        check(&v2, Of::List, None);
    }
}
