//! The store: what a round sets out to do, and what agents submit while it is open.

use std::path::Path as Directory;
use std::sync::Mutex;

use jiff::Timestamp;
use netreach_report::{MissingAgent, NotBegun};
use netreach_wire::{AgentId, AgentResult, Assignment, Gap, RoundId};
use object_store::path::Path;
use object_store::{ObjectMeta, PutPayload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::{Backend, Found};
use crate::limits::{PACKED_BYTES_MAX, READS_AT_ONCE};
use crate::{Damaged, DamagedResult, Location, StoreError, key, packed};

/// Rounds and results in a directory or a bucket. Any number of processes may use the same one.
///
/// What a call has written is there for good when it returns: in a directory the file, its name and every new folder
/// above it are synced; a bucket's server has said that it has it.
#[derive(Debug)]
pub struct Store {
    pub(crate) backend: Backend,
    /// Held while an object is put aside.
    pub(crate) aside: Mutex<()>,
    /// Held while an index is read, changed and written.
    pub(crate) indexing: Mutex<()>,
}

/// What a round set out to do, written before anybody is told: whoever comes after a manager that ended in mid-round goes on from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenedRound {
    /// The NetReach's name.
    pub task: String,
    /// Its spec with its defaults, as it stood when the round began.
    pub spec: Value,
    /// Which round.
    pub id: RoundId,
    /// When the schedule wanted it.
    pub due: Timestamp,
    /// The first slot.
    pub start: Timestamp,
    /// Results that come later are late.
    pub deadline: Timestamp,
    /// One part per agent that is there.
    pub assignments: Vec<Assignment>,
    /// Agents that should be there and were not, and why.
    #[serde(default)]
    pub absent: Vec<MissingAgent>,
    /// What was asked for and is not probed.
    pub gaps: Vec<Gap>,
    /// Which part of all pairs it probes, when not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<String>,
    /// Why it could not begin at all; none when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_begun: Option<NotBegun>,
}

/// Whether a write was the first of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// This call wrote it. Of all calls for the same object at most one is told so.
    Now,
    /// It was there already, and stays as it was. Where a bucket's answer was lost and asked for again, by this very call.
    Before,
}

/// A result as it is kept while its round is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptResult {
    /// Who submitted it.
    pub agent: AgentId,
    /// Whether it came after the deadline.
    pub late: bool,
    /// By how much its clock was ahead of the manager's, microseconds; none when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_us: Option<i64>,
    /// What it said.
    pub result: AgentResult,
}

/// The results of a round.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Results {
    /// Those that can be read: in time first, each in the order of nodes and pods.
    pub kept: Vec<KeptResult>,
    /// Those that cannot.
    pub damaged: Vec<DamagedResult>,
}

/// An object as it was found.
pub(crate) enum Read<T> {
    Absent,
    Whole(T),
    Damaged { meta: ObjectMeta, why: String },
}

impl Store {
    /// Opens the store at a location, creating a directory where it is not there, and tries at once whether it can be
    /// written to. A bucket's server and rights are those of the `AWS_*` variables of this process's environment.
    ///
    /// # Errors
    /// When it cannot be used; [`StoreError::is_away`] when that may pass.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::open_with(location, &variables.collect::<Vec<_>>())
    }

    /// As [`Self::open`], with these variables instead of the environment's.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(location: &Location, variables: &[(String, String)]) -> Result<Self, StoreError> {
        match location {
            Location::Directory(dir) => Self::open_local(dir),
            #[cfg(feature = "s3")]
            Location::Bucket { bucket, prefix } => Ok(Self::of(crate::s3::open(bucket, prefix, variables)?)),
            #[cfg(not(feature = "s3"))]
            Location::Bucket { .. } => {
                let _ = variables;
                let why = "this program keeps things in directories alone".to_owned();
                Err(StoreError::Bucket {
                    attempt: "open the store".to_owned(),
                    place: location.to_string(),
                    why,
                })
            }
        }
    }

    /// Opens the store in `dir`, creating it where it is not there, and tries at once whether it can be written to. A
    /// disk that is full is no error: what is there can be read.
    ///
    /// # Errors
    /// When `dir` cannot be created, is no directory, or takes no files.
    pub fn open_local(dir: &Directory) -> Result<Self, StoreError> {
        let store = Self::of(Backend::local(dir)?);
        let directory =
            |error: StoreError| StoreError::Directory { dir: dir.to_owned(), why: error.to_string() };
        // The very way rounds are closed: some file systems take files and no second name for one.
        let probe = Path::from("writable");
        match store.backend.create(&probe, PutPayload::new()) {
            Err(error) if error.is_full() => return Ok(store),
            // Another process that opens the store at the same time may have been quicker.
            written => drop(written.map_err(directory)?),
        }
        store.backend.remove(&[probe]).map_err(directory)?;
        Ok(store)
    }

    fn of(backend: Backend) -> Self {
        Self { backend, aside: Mutex::default(), indexing: Mutex::default() }
    }

    /// Where it is, as a user would write it.
    #[must_use]
    pub fn place(&self) -> &str {
        self.backend.place()
    }

    /// Keeps what a round sets out to do. Of several writers one opens it; the others learn that it was opened before.
    ///
    /// # Errors
    /// When it is too large or the store fails.
    pub fn open_round(&self, opened: &OpenedRound) -> Result<Written, StoreError> {
        self.create_packed(&key::opened(&opened.id)?, opened)
    }

    /// What a round set out to do; none when it was never opened.
    ///
    /// # Errors
    /// When it cannot be understood, and then it is put aside, or when the store fails.
    pub fn read_opened(&self, round: &RoundId) -> Result<Option<OpenedRound>, StoreError> {
        let key = key::opened(round)?;
        let is_its = |opened: &OpenedRound| {
            if opened.id == *round { Ok(()) } else { Err(format!("it holds round {}", opened.id)) }
        };
        match self.read_packed(&key, is_its)? {
            Read::Absent => Ok(None),
            Read::Whole(opened) => Ok(Some(opened)),
            Read::Damaged { meta, why } => Err(self.put_aside(&meta, why).into()),
        }
    }

    /// Keeps an agent's result. The first one counts: another of the same round and agent changes nothing, and a late
    /// one is not kept beside one that was on time. One that is damaged does not count.
    ///
    /// # Errors
    /// When it is too large or the store fails. Nothing may be said to be kept then.
    pub fn keep_result(&self, kept: &KeptResult) -> Result<Written, StoreError> {
        let KeptResult { agent, late, clock_ahead_us: _, result } = kept;
        if *late && self.holds_result(&result.round, agent, false)? {
            return Ok(Written::Before);
        }
        let key = key::result(&result.round, agent, *late)?;
        match self.create_packed(&key, kept)? {
            Written::Before if !self.holds_result(&result.round, agent, *late)? => {
                self.create_packed(&key, kept)
            }
            written => Ok(written),
        }
    }

    /// Whether a result is kept that can be read; one that cannot is put aside.
    fn holds_result(&self, round: &RoundId, agent: &AgentId, late: bool) -> Result<bool, StoreError> {
        let key = key::result(round, agent, late)?;
        match self.read_result(round, late, &key)? {
            Read::Absent => Ok(false),
            Read::Whole(_) => Ok(true),
            Read::Damaged { meta, why } => Ok(self.put_aside(&meta, why).moved_to.is_none()),
        }
    }

    /// Every result kept of a round. Those that cannot be understood are put aside, and named.
    ///
    /// # Errors
    /// When the store fails.
    pub fn read_results(&self, round: &RoundId) -> Result<Results, StoreError> {
        let mut kept = Vec::new();
        let damaged = self.each_result(round, |one| kept.push(one))?;
        Ok(Results { kept, damaged })
    }

    /// Hands on every result kept of a round, one after another: in time first, each in the order of nodes and pods. A few are
    /// in memory at a time. Those that cannot be understood are put aside, and named.
    ///
    /// # Errors
    /// When the store fails; what was handed on until then is not all.
    pub fn each_result(
        &self,
        round: &RoundId,
        mut take: impl FnMut(KeptResult),
    ) -> Result<Vec<DamagedResult>, StoreError> {
        let mut torn = Vec::new();
        for late in [false, true] {
            let listed = self.backend.list(&key::results(round, late)?)?;
            let keys: Vec<_> = listed.into_iter().map(|meta| meta.location).collect();
            for keys in keys.chunks(READS_AT_ONCE) {
                for (key, found) in keys.iter().zip(self.backend.read_all(keys)?) {
                    match unpacked(found, |kept| is_its(kept, round, late, key)) {
                        Read::Absent => {}
                        Read::Whole(kept) => take(kept),
                        Read::Damaged { meta, why } => {
                            let agent = agent_of(round, late, key);
                            torn.push(DamagedResult { agent, damaged: self.put_aside(&meta, why) });
                        }
                    }
                }
            }
        }
        Ok(torn)
    }

    fn read_result(&self, round: &RoundId, late: bool, key: &Path) -> Result<Read<KeptResult>, StoreError> {
        self.read_packed(key, |kept| is_its(kept, round, late, key))
    }

    /// The agents of which results are kept, in time or late: by their keys alone, so a damaged result counts and an
    /// object that is none of ours does not.
    ///
    /// # Errors
    /// When the store fails.
    pub fn kept_agents(&self, round: &RoundId) -> Result<Vec<AgentId>, StoreError> {
        let mut agents = Vec::new();
        for late in [false, true] {
            let listed = self.backend.list(&key::results(round, late)?)?;
            agents.extend(listed.iter().filter_map(|meta| agent_of(round, late, &meta.location)));
        }
        Ok(agents)
    }

    // === objects ===

    pub(crate) fn create_packed(&self, key: &Path, value: &impl Serialize) -> Result<Written, StoreError> {
        self.backend.create(key, pack(key, value)?)
    }

    pub(crate) fn replace_packed(&self, key: &Path, value: &impl Serialize) -> Result<(), StoreError> {
        self.backend.replace(key, pack(key, value)?)
    }

    /// Reads an object that was packed, and is damaged where `is_its` says why it is not what belongs there.
    pub(crate) fn read_packed<T: DeserializeOwned>(
        &self,
        key: &Path,
        is_its: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<Read<T>, StoreError> {
        Ok(unpacked(self.backend.read(key)?, is_its))
    }
}

fn unpacked<T: DeserializeOwned>(
    found: Option<Found>,
    is_its: impl FnOnce(&T) -> Result<(), String>,
) -> Read<T> {
    let Some(Found { meta, bytes }) = found else { return Read::Absent };
    let unpacked = match meta.size {
        ..=PACKED_BYTES_MAX => packed::unpack(&bytes).map_err(|error| error.to_string()),
        size => Err(format!("it has {size} bytes (at most {PACKED_BYTES_MAX})")),
    };
    match unpacked.and_then(|value| is_its(&value).map(|()| value)) {
        Ok(value) => Read::Whole(value),
        Err(why) => Read::Damaged { meta, why },
    }
}

/// Whether a result is the one that belongs there.
fn is_its(kept: &KeptResult, round: &RoundId, late: bool, key: &Path) -> Result<(), String> {
    let is_its = kept.late == late
        && kept.result.round == *round
        && key::result(round, &kept.agent, late).is_ok_and(|expected| expected == *key);
    if is_its { Ok(()) } else { Err("it holds another result".to_owned()) }
}

fn pack(key: &Path, value: &impl Serialize) -> Result<PutPayload, StoreError> {
    match packed::pack(value) {
        Ok(packed) => Ok(packed.into()),
        Err(error) => Err(StoreError::TooLarge { key: key.to_string(), why: error.to_string() }),
    }
}

/// Whose result lies at this key of the round.
fn agent_of(round: &RoundId, late: bool, key: &Path) -> Option<AgentId> {
    key::agent(key).filter(|agent| key::result(round, agent, late).is_ok_and(|expected| expected == *key))
}

impl From<Damaged> for StoreError {
    fn from(Damaged { key, why, moved_to }: Damaged) -> Self {
        Self::Corrupt { key, why, moved_to }
    }
}
