//! The store itself, over any object store; here a local directory.

use std::path::Path as Directory;
use std::{fs, io};

use futures_lite::StreamExt as _;
use futures_lite::future::block_on;
use jiff::Timestamp;
use netreach_report::{MissingAgent, NotBegun, RoundReport, VERSION};
use netreach_wire::{AgentId, AgentResult, Assignment, Gap, RoundId};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::PACKED_BYTES_MAX;
use crate::{StoreError, key, packed};

/// Rounds and results in a directory.
///
/// What a call has written is on the disk when it returns: the file, its name and every new folder above it are synced.
#[derive(Debug)]
pub struct Store {
    objects: LocalFileSystem,
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
    /// This call wrote it.
    Now,
    /// It was there already, and stays as it was.
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

impl Store {
    /// Opens the store in `dir`, creating it where it is not there, and tries at once whether it can be written to.
    ///
    /// # Errors
    /// When `dir` cannot be created, is no directory, or takes no files.
    pub fn open_local(dir: &Directory) -> Result<Self, StoreError> {
        let directory = |why: String| StoreError::Directory { dir: dir.to_owned(), why };
        create_synced(dir).map_err(|error| directory(error.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(dir).map_err(|error| directory(error.to_string()))?;
        let store = Self { objects: objects.with_fsync(true).with_automatic_cleanup(true) };
        // The very way rounds are closed: some file systems take files and no second name for one.
        let probe = Path::from("writable");
        store.create(&probe, Vec::new()).map_err(|error| directory(error.to_string()))?;
        match block_on(store.objects.delete(&probe)) {
            // Another process that opens the store at the same time may have been quicker.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(store),
            Err(error) => Err(directory(error.to_string())),
        }
    }

    /// Keeps what a round sets out to do. Of several writers one opens it; the others learn that it was opened before.
    ///
    /// # Errors
    /// When it is too large or the disk fails.
    pub fn open_round(&self, opened: &OpenedRound) -> Result<Written, StoreError> {
        self.create_packed(&key::opened(&opened.id)?, opened)
    }

    /// What a round set out to do; none when it was never opened.
    ///
    /// # Errors
    /// When it cannot be understood or the disk fails.
    pub fn read_opened(&self, round: &RoundId) -> Result<Option<OpenedRound>, StoreError> {
        self.read(&key::opened(round)?)
    }

    /// Removes everything of a NetReach.
    ///
    /// # Errors
    /// When the disk fails; what was removed until then is gone.
    pub fn forget(&self, uid: &str) -> Result<(), StoreError> {
        self.remove_all(&key::rounds(uid)?)?;
        self.remove(&key::retained(uid)?)
    }

    /// Removes everything of a round.
    ///
    /// # Errors
    /// As [`Self::forget`].
    pub fn forget_round(&self, round: &RoundId) -> Result<(), StoreError> {
        self.remove_all(&key::folder(round)?)
    }

    /// Keeps an agent's result. The first one counts: another of the same round and agent changes nothing, and a late
    /// one is not kept beside one that was on time.
    ///
    /// # Errors
    /// When it is too large or the disk fails.
    pub fn keep_result(&self, kept: &KeptResult) -> Result<Written, StoreError> {
        let KeptResult { agent, late, clock_ahead_us: _, result } = kept;
        if *late && self.exists(&key::result(&result.round, agent, false)?)? {
            return Ok(Written::Before);
        }
        self.create_packed(&key::result(&result.round, agent, *late)?, kept)
    }

    /// Every result kept of a round, those in time first, each in the order of nodes and pods.
    ///
    /// # Errors
    /// When one cannot be understood or the disk fails.
    pub fn read_results(&self, round: &RoundId) -> Result<Vec<KeptResult>, StoreError> {
        let mut results = Vec::new();
        for late in [false, true] {
            for key in self.list(&key::results(round, late)?)? {
                let kept: KeptResult = self.read(&key)?.ok_or_else(|| corrupt(&key, "it was removed"))?;
                if kept.late != late || key::result(round, &kept.agent, late)? != key {
                    return Err(corrupt(&key, "it holds another agent's result"));
                }
                results.push(kept);
            }
        }
        Ok(results)
    }

    /// The agents of which results are kept, in time or late: by their keys alone, so a damaged result counts and an
    /// object that is none of ours does not.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn kept_agents(&self, round: &RoundId) -> Result<Vec<AgentId>, StoreError> {
        let mut agents = Vec::new();
        for late in [false, true] {
            let of_round = |key: &Path, agent: &AgentId| {
                key::result(round, agent, late).is_ok_and(|expected| expected == *key)
            };
            let keys = self.list(&key::results(round, late)?)?;
            agents.extend(keys.iter().filter_map(|key| key::agent(key).filter(|agent| of_round(key, agent))));
        }
        Ok(agents)
    }

    /// Removes what a round was made of, once its report is kept: that says it all.
    ///
    /// # Errors
    /// When the disk fails; what was removed until then is gone.
    pub fn settle_round(&self, round: &RoundId) -> Result<(), StoreError> {
        for late in [false, true] {
            self.remove_all(&key::results(round, late)?)?;
        }
        self.remove(&key::opened(round)?)
    }

    /// Closes a round with its report. Of several writers one closes it; the others learn that it was closed before.
    ///
    /// # Errors
    /// When the report is too large or the disk fails.
    pub fn close_round(&self, report: &RoundReport) -> Result<Written, StoreError> {
        self.create_packed(&key::closed(&report.id)?, report)
    }

    /// The report of a closed round; none while it is open or unknown.
    ///
    /// # Errors
    /// When it cannot be understood or the disk fails.
    pub fn read_round(&self, round: &RoundId) -> Result<Option<RoundReport>, StoreError> {
        let key = key::closed(round)?;
        match self.read::<RoundReport>(&key)? {
            Some(report) if report.version != VERSION => {
                Err(StoreError::Form { key: key.to_string(), found: report.version })
            }
            Some(report) if report.id != *round => {
                Err(corrupt(&key, &format!("it holds round {}", report.id)))
            }
            report => Ok(report),
        }
    }

    /// The numbers of a NetReach's closed rounds, rising.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn list_rounds(&self, uid: &str) -> Result<Vec<u64>, StoreError> {
        let folders = self.folders(Some(&key::rounds(uid)?))?;
        let mut numbers = Vec::new();
        for number in folders.iter().filter_map(key::number) {
            if self.exists(&key::closed(&RoundId { uid: uid.to_owned(), number })?)? {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The NetReaches of which anything is kept, in order.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn uids(&self) -> Result<Vec<String>, StoreError> {
        let mut uids: Vec<_> = self.folders(None)?.iter().filter_map(key::uid).collect();
        uids.sort();
        Ok(uids)
    }

    fn remove_all(&self, folder: &Path) -> Result<(), StoreError> {
        self.list(folder)?.iter().try_for_each(|key| self.remove(key))
    }

    pub(crate) fn remove(&self, key: &Path) -> Result<(), StoreError> {
        match block_on(self.objects.delete(key)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(disk("remove", key, error)),
        }
    }

    /// Every object in a folder, in order.
    fn list(&self, folder: &Path) -> Result<Vec<Path>, StoreError> {
        let listed = block_on(self.objects.list(Some(folder)).try_collect::<_, _, Vec<_>>());
        let listed = listed.map_err(|error| disk("list", folder, error))?;
        let mut keys: Vec<_> = listed.into_iter().map(|meta| meta.location).collect();
        keys.sort();
        Ok(keys)
    }

    /// The folders in a folder; no folder stands for all of the store.
    fn folders(&self, folder: Option<&Path>) -> Result<Vec<Path>, StoreError> {
        let listed = block_on(self.objects.list_with_delimiter(folder));
        let listed = listed.map_err(|error| disk("list", folder.unwrap_or(&Path::default()), error))?;
        Ok(listed.common_prefixes)
    }

    fn create_packed(&self, key: &Path, value: &impl Serialize) -> Result<Written, StoreError> {
        let packed = packed::pack(value)
            .map_err(|error| StoreError::TooLarge { key: key.to_string(), why: error.to_string() })?;
        self.create(key, packed)
    }

    pub(crate) fn create(&self, key: &Path, bytes: Vec<u8>) -> Result<Written, StoreError> {
        match block_on(self.objects.put_opts(key, bytes.into(), PutMode::Create.into())) {
            Ok(_) => Ok(Written::Now),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Written::Before),
            Err(error) => Err(disk("write", key, error)),
        }
    }

    pub(crate) fn exists(&self, key: &Path) -> Result<bool, StoreError> {
        match block_on(self.objects.head(key)) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(disk("read", key, error)),
        }
    }

    fn read<T: DeserializeOwned>(&self, key: &Path) -> Result<Option<T>, StoreError> {
        let found = match block_on(self.objects.get(key)) {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(disk("read", key, error)),
        };
        if found.meta.size > PACKED_BYTES_MAX {
            return Err(corrupt(key, &format!("it has {} bytes", found.meta.size)));
        }
        let bytes = block_on(found.bytes()).map_err(|error| disk("read", key, error))?;
        packed::unpack(&bytes).map(Some).map_err(|error| corrupt(key, &error.to_string()))
    }
}

/// Creates `dir` and what is missing above it, and syncs each parent: the store below syncs only what it makes itself.
fn create_synced(dir: &Directory) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Directory::new("."),
    };
    create_synced(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => fs::File::open(parent)?.sync_all(),
    }
}

fn disk(attempt: &'static str, key: &Path, source: object_store::Error) -> StoreError {
    StoreError::Disk { attempt, key: key.to_string(), source }
}

fn corrupt(key: &Path, why: &str) -> StoreError {
    StoreError::Corrupt { key: key.to_string(), why: why.to_owned() }
}
