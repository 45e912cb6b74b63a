//! What API servers ask and are answered: AdmissionReview of `admission.k8s.io/v1`, as far as it matters here
//! (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>).

use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::limits::UID_CHARS_MAX;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// One question. Objects stay text until it is known that they are ours.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Question<'a> {
    pub(crate) uid: String,
    pub(crate) kind: GroupVersionKind,
    #[serde(default)]
    pub(crate) sub_resource: Option<String>,
    pub(crate) operation: String,
    #[serde(default, borrow)]
    pub(crate) object: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(crate) old_object: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct GroupVersionKind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    api_version: String,
    kind: String,
    #[serde(default, borrow)]
    request: Option<Question<'a>>,
}

/// A body that is no question, so that there is nobody to answer.
#[derive(Debug, thiserror::Error)]
pub enum NoReview {
    /// No JSON, or JSON of another shape.
    #[error("cannot read an {KIND} from the body (send one of {API_VERSION})")]
    Unreadable(#[from] serde_json::Error),
    /// Another kind or version.
    #[error("cannot review anything but an {KIND} of {API_VERSION} with a request")]
    Other,
    /// A uid that no API server writes.
    #[error("cannot repeat a uid of more than {UID_CHARS_MAX} characters")]
    LongUid,
}

/// Reads a question.
pub(crate) fn read(body: &[u8]) -> Result<Question<'_>, NoReview> {
    let asked: Asked<'_> = serde_json::from_slice(body)?;
    match asked.request {
        Some(question) if asked.api_version == API_VERSION && asked.kind == KIND => {
            if question.uid.len() > UID_CHARS_MAX { Err(NoReview::LongUid) } else { Ok(question) }
        }
        _ => Err(NoReview::Other),
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The question's.
    pub uid: String,
    /// Whether the object may be stored.
    pub allowed: bool,
    /// What the user should know all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Always `JSONPatch` where there is a patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_type: Option<&'static str>,
    /// A JSON patch (RFC 6902).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<ByteString>,
    /// Why not, as `meta/v1` Status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: &'a Answer,
}

/// Writes an answer.
pub(crate) fn write(answer: &Answer) -> Vec<u8> {
    let answered = Answered { api_version: API_VERSION, kind: KIND, response: answer };
    serde_json::to_vec(&answered).expect("texts and maps with text keys are always JSON")
}
