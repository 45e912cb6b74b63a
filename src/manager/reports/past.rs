//! Whose rounds are asked for: those of a NetReach that lives, or of one that is gone and whose records are kept.

use netreach_controller::Newest;
use netreach_report::Standing;
use netreach_store::{StoreError, Summaries};

use super::{Kept, report_uid};

/// A NetReach, and its rounds.
pub(super) struct Owner {
    pub(super) uid: String,
    /// Where it stands; none when it is gone.
    pub(super) standing: Option<Standing>,
    pub(super) kept: Summaries,
}

impl Kept {
    /// The NetReach of that name: the one that lives, or the one that has or had this uid, be it its own or that of its report. None
    /// where no round of it is known.
    pub(super) async fn owner(&self, task: &str, uid: Option<&str>) -> Result<Option<Owner>, StoreError> {
        let is_asked = |own: &str| uid.is_none_or(|uid| uid == own || uid == report_uid(own));
        let (own, standing) = match self.newest(task).filter(|newest| is_asked(&newest.uid)) {
            Some(Newest { uid, standing, .. }) => (Some(uid), Some(standing)),
            None => (self.kept_uid(uid).await?, None),
        };
        let Some(uid) = own else { return Ok(None) };
        let of = uid.clone();
        let kept = self.on_store(move |store| store.summaries(&of)).await?;
        // Whoever may read the rounds of one name may not read those of another by its uid.
        let is_its = kept.rounds.last().is_some_and(|round| round.task == task);
        Ok(is_its.then_some(Owner { uid, standing, kept }))
    }

    /// The uid as the store has it, where it has anything of that.
    async fn kept_uid(&self, asked: Option<&str>) -> Result<Option<String>, StoreError> {
        let Some(asked) = asked.map(str::to_owned) else { return Ok(None) };
        self.on_store(move |store| {
            let is_it = |uid: &String| *uid == asked || report_uid(uid) == asked;
            Ok(store.uids()?.into_iter().find(is_it))
        })
        .await
    }
}
