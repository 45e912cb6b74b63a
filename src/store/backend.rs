//! Objects wherever they lie. Every call blocks until it is done.

use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use futures_lite::future::block_on;
use futures_lite::{StreamExt as _, stream};
use futures_util::future::join_all;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};

use crate::limits::{CREATE_TRIES_MAX, PACKED_BYTES_MAX};
use crate::local::Folders;
use crate::trouble::Place;
use crate::{StoreError, Written, local};

/// Objects by their keys.
#[derive(Debug)]
pub(crate) struct Backend {
    objects: Arc<dyn ObjectStore>,
    place: Place,
    means: Means,
}

/// What is to be seen to beside the objects themselves.
#[derive(Debug)]
enum Means {
    Local(Folders),
    #[cfg(feature = "s3")]
    Remote(crate::s3::Remote),
}

/// An object that was read.
pub(crate) struct Found {
    pub(crate) meta: ObjectMeta,
    pub(crate) bytes: Vec<u8>,
}

type Outcome<T> = object_store::Result<T>;

impl Backend {
    pub(crate) fn local(dir: &std::path::Path) -> Result<Self, StoreError> {
        let directory = |why| StoreError::Directory { dir: dir.to_owned(), why };
        let (objects, folders) = local::open(dir).map_err(directory)?;
        let place = Place { name: dir.display().to_string(), is_remote: false };
        Ok(Self { objects: Arc::new(objects), place, means: Means::Local(folders) })
    }

    #[cfg(feature = "s3")]
    pub(crate) fn remote(
        location: &crate::Location,
        objects: Arc<dyn ObjectStore>,
        remote: crate::s3::Remote,
    ) -> Self {
        let place = Place { name: location.to_string(), is_remote: true };
        Self { objects, place, means: Means::Remote(remote) }
    }

    /// Where it is, as a user would write it.
    pub(crate) fn place(&self) -> &str {
        &self.place.name
    }

    // === writing ===

    /// Writes an object that is not there yet; it is on the disk when this returns, whoever wrote it.
    pub(crate) fn create(&self, key: &Path, bytes: PutPayload) -> Result<Written, StoreError> {
        for tries_left in (0..CREATE_TRIES_MAX).rev() {
            self.prepare(key)?;
            match self.put(key, bytes.clone(), PutMode::Create) {
                Ok(()) => return Ok(Written::Now),
                Err(Error::AlreadyExists { .. }) if self.is_settled(key)? => return Ok(Written::Before),
                // Who was about to write it has not: then we do.
                Err(Error::AlreadyExists { .. }) if tries_left > 0 => {}
                Err(error) => return Err(self.place.explain("write", key, error)),
            }
        }
        unreachable!("the last try returns")
    }

    /// Writes an object in the place of what is there.
    pub(crate) fn replace(&self, key: &Path, bytes: PutPayload) -> Result<(), StoreError> {
        self.prepare(key)?;
        self.put(key, bytes, PutMode::Overwrite).map_err(|error| self.place.explain("write", key, error))
    }

    fn put(&self, key: &Path, bytes: PutPayload, mode: PutMode) -> Outcome<()> {
        let (objects, key) = (Arc::clone(&self.objects), key.clone());
        self.wait(async move { objects.put_opts(&key, bytes, mode.into()).await.map(drop) })
    }

    fn prepare(&self, key: &Path) -> Result<(), StoreError> {
        let prepared = self.folders_here().map_or(Ok(()), |folders| folders.prepare(key));
        prepared.map_err(|error| self.place.explain_io("write", key, error))
    }

    /// Whether what another is said to have written is there for good. Of two who write at once a bucket may refuse
    /// one before the other is done.
    fn is_settled(&self, key: &Path) -> Result<bool, StoreError> {
        match self.folders_here().map(|folders| folders.settle(key)) {
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                return Err(self.place.explain_io("write", key, error));
            }
            _ => {}
        }
        Ok(self.meta(key)?.is_some())
    }

    /// Lets an object lie under another key as well, in the place of what is there.
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.prepare(to)?;
        let (objects, source, target) = (Arc::clone(&self.objects), from.clone(), to.clone());
        let copied = self.wait(async move { objects.copy(&source, &target).await });
        copied.map_err(|error| self.place.explain("write", to, error))
    }

    // === reading ===

    /// What is known of an object without reading it; none where there is none.
    pub(crate) fn meta(&self, key: &Path) -> Result<Option<ObjectMeta>, StoreError> {
        let (objects, of) = (Arc::clone(&self.objects), key.clone());
        self.found(key, self.wait(async move { objects.head(&of).await }))
    }

    /// An object; none where there is none.
    pub(crate) fn read(&self, key: &Path) -> Result<Option<Found>, StoreError> {
        self.found(key, self.wait(get(Arc::clone(&self.objects), key.clone())))
    }

    /// Objects, asked for all at once; none in the places of those that are not there.
    pub(crate) fn read_all(&self, keys: &[Path]) -> Result<Vec<Option<Found>>, StoreError> {
        let reads: Vec<_> = keys.iter().map(|key| get(Arc::clone(&self.objects), key.clone())).collect();
        let read = self.wait(async move { Ok(join_all(reads).await) });
        let read = read.map_err(|error| self.place.explain("read", &keys[0], error))?;
        keys.iter().zip(read).map(|(key, read)| self.found(key, read)).collect()
    }

    /// A part of an object.
    pub(crate) fn range(&self, key: &Path, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let (objects, of) = (Arc::clone(&self.objects), key.clone());
        let read = self.wait(async move { objects.get_range(&of, range).await });
        read.map(Into::into).map_err(|error| self.place.explain("read", key, error))
    }

    fn found<T>(&self, key: &Path, read: Outcome<T>) -> Result<Option<T>, StoreError> {
        match read {
            Ok(found) => Ok(Some(found)),
            Err(error) if Place::is_absence(&error) => Ok(None),
            Err(error) => Err(self.place.explain("read", key, error)),
        }
    }

    /// Every object in a folder, in order.
    pub(crate) fn list(&self, folder: &Path) -> Result<Vec<ObjectMeta>, StoreError> {
        let mut listing = self.objects.list(Some(folder));
        let listed = self.wait(async move {
            let mut found = Vec::new();
            while let Some(meta) = listing.next().await {
                match meta {
                    Ok(meta) => found.push(meta),
                    // It was removed as we looked.
                    Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(found)
        });
        let mut found = listed.map_err(|error| self.place.explain("list", folder, error))?;
        found.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    /// The folders that there are beside each other at the top.
    pub(crate) fn folders(&self) -> Result<Vec<Path>, StoreError> {
        let objects = Arc::clone(&self.objects);
        let listed = self.wait(async move { objects.list_with_delimiter(None).await });
        let listed = listed.map_err(|error| self.place.explain("list", &Path::default(), error))?;
        Ok(listed.common_prefixes)
    }

    // === removing ===

    /// Removes objects; what is not there is removed already.
    pub(crate) fn remove(&self, keys: &[Path]) -> Result<(), StoreError> {
        let Some(first) = keys.first() else { return Ok(()) };
        let all: Vec<_> = keys.iter().cloned().map(Ok).collect();
        let mut removing = self.objects.delete_stream(stream::iter(all).boxed());
        let removed = self.wait(async move {
            while let Some(removed) = removing.next().await {
                match removed {
                    Ok(_) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        if let Some(folders) = self.folders_here() {
            keys.iter().for_each(|key| folders.removed(key));
        }
        removed.map_err(|error| self.place.explain("remove", first, error))
    }

    /// Removes everything in a folder.
    pub(crate) fn remove_folder(&self, folder: &Path) -> Result<(), StoreError> {
        if let Some(folders) = self.folders_here() {
            return folders.remove(folder).map_err(|error| self.place.explain_io("remove", folder, error));
        }
        let keys: Vec<_> = self.list(folder)?.into_iter().map(|meta| meta.location).collect();
        self.remove(&keys)
    }

    /// Removes what somebody began to write into these folders before that instant and never finished.
    pub(crate) fn remove_unfinished(&self, folders: &[Path], before: SystemTime) -> Result<(), StoreError> {
        // A bucket shows no object before it is whole.
        let removed = self.folders_here().map_or(Ok(()), |here| here.remove_unfinished(folders, before));
        removed.map_err(|error| self.place.explain_io("remove", &Path::from("unfinished files"), error))
    }

    // === waiting ===

    fn wait<T: Send + 'static>(&self, work: impl Future<Output = Outcome<T>> + Send + 'static) -> Outcome<T> {
        match &self.means {
            Means::Local(_) => block_on(work),
            #[cfg(feature = "s3")]
            Means::Remote(remote) => remote.run(work),
        }
    }
    fn folders_here(&self) -> Option<&Folders> {
        match &self.means {
            Means::Local(folders) => Some(folders),
            #[cfg(feature = "s3")]
            Means::Remote(_) => None,
        }
    }
}

async fn get(objects: Arc<dyn ObjectStore>, key: Path) -> Outcome<Found> {
    let found = objects.get(&key).await?;
    let meta = found.meta.clone();
    // What passes the bound is told by its size, and not read.
    let bytes = if meta.size > PACKED_BYTES_MAX { Vec::new() } else { found.bytes().await?.into() };
    Ok(Found { meta, bytes })
}
