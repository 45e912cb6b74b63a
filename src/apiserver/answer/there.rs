//! What there is to ask for.

use super::{Answer, Asked, JSON, Said};
use crate::ask::accept::{Form, Of, negotiate};
use crate::discovery::{self, Document};
use crate::openapi;
use crate::refused::Refused;
use crate::route::Route;

/// The document that stands there, if one does.
pub(super) fn is(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let hash = asked.query.iter().find(|(name, _)| name == "hash").map(|(_, value)| value.as_str());
    let (document, media_type) = match asked.route {
        // Whoever can read none of the forms there are is told in the oldest: API servers of other times go on from there.
        Route::Groups => match negotiate(asked.accept, Of::Groups) {
            Some(Form::Aggregated("v2")) => (discovery::aggregated_v2(), discovery::AGGREGATED_V2),
            Some(Form::Aggregated(_)) => (discovery::aggregated_v2beta1(), discovery::AGGREGATED_V2BETA1),
            _ => (discovery::groups(), JSON),
        },
        Route::Group => (discovery::group(), JSON),
        Route::Resources => (discovery::resources(), JSON),
        Route::Version => (discovery::version(), JSON),
        Route::OpenApiV2 => (openapi::v2(), JSON),
        Route::OpenApiV3 => (openapi::v3_paths(), JSON),
        Route::OpenApiV3OfGroup => {
            negotiate(asked.accept, Of::Plain).ok_or(Refused::NotAcceptable(""))?;
            (openapi::v3(), JSON)
        }
        Route::Reports | Route::Report(_) | Route::Rounds(_) | Route::Round(..) | Route::Nowhere => {
            return Err(Refused::Nowhere);
        }
    };
    let Document { text, hash: own, tag } = document;
    let is_known = asked.known_tag.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let said = if is_known { Said::Unchanged } else { Said::Fixed(text) };
    Ok(Answer { media_type, tag: Some(tag), is_immutable: hash == Some(own.as_str()), pretty: false, said })
}
