//! `Accept` → in which form to answer (RFC 9110, section 12.5.1, with Kubernetes' parameters `as`, `g` and `v`). Pure.

/// In which form an object or a list is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Whole,
    /// `Table` of `meta.k8s.io/v1`.
    Table,
    /// `PartialObjectMetadata`, or a list of them, of `meta.k8s.io/v1`.
    Metadata,
}

/// Whether one object is asked for, or a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// One.
    Object,
    /// All, or some.
    List,
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
    /// Whether it asks for something that is not there, such as a stream.
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
        let mut range = Self { media, weight: 1.0, target: None, is_beyond_us: false };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim_end(), value.trim().trim_matches('"'));
            match name {
                "q" => range.weight = value.parse().unwrap_or(1.0),
                "as" => range.target.get_or_insert_default().kind = value,
                "g" => range.target.get_or_insert_default().group = value,
                "v" => range.target.get_or_insert_default().version = value,
                "stream" | "sv" => range.is_beyond_us |= !value.is_empty(),
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
        if !is_json || self.is_beyond_us {
            return None;
        }
        let Some(Target { kind, group, version }) = &self.target else { return Some(Form::Whole) };
        match (*group, *version, *kind, of) {
            ("meta.k8s.io", "v1", "Table", _) => Some(Form::Table),
            ("meta.k8s.io", "v1", "PartialObjectMetadata", Of::Object)
            | ("meta.k8s.io", "v1", "PartialObjectMetadataList", Of::List) => Some(Form::Metadata),
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
    }
}
