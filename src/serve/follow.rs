//! Hears when the files of a folder change, from the kernel: no looking by the clock.
//!
//! Kubernetes changes a mounted Secret or ConfigMap by pointing the link `..data` in its folder at another one, so it is
//! the folder that is listened to, not the files.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use async_io::Async;
use rustix::fs::inotify;

/// Listens to one folder.
#[derive(Debug)]
pub struct Follow {
    events: Async<OwnedFd>,
}

impl Follow {
    /// Begins to listen: changes from here on are heard.
    ///
    /// # Errors
    /// When the folder is not there or the system has no more watches.
    pub fn folder(folder: &Path) -> io::Result<Self> {
        let events = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let kinds = inotify::WatchFlags::CLOSE_WRITE
            | inotify::WatchFlags::MOVED_TO
            | inotify::WatchFlags::CREATE
            | inotify::WatchFlags::DELETE
            | inotify::WatchFlags::ONLYDIR;
        inotify::add_watch(&events, folder, kinds)?;
        Ok(Self { events: Async::new_nonblocking(events)? })
    }

    /// Ends when something in the folder has changed since the last call, or since the beginning.
    ///
    /// # Errors
    /// When the system takes the watch away.
    pub async fn changed(&self) -> io::Result<()> {
        self.events.readable().await?;
        // What has changed does not matter: the files are read anew. Taken all, so that many changes are one.
        let mut space = [MaybeUninit::uninit(); 4_096];
        let mut reader = inotify::Reader::new(&self.events, &mut space);
        loop {
            match reader.next() {
                Ok(_) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use futures_lite::future::{block_on, poll_once};

    use super::*;

    #[test]
    fn a_swapped_link_is_heard_once_and_silence_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("..1")).unwrap();
        symlink("..1", path("..data")).unwrap();
        let follow = Follow::folder(dir.path()).unwrap();
        block_on(async {
            assert!(poll_once(follow.changed()).await.is_none());
            fs::create_dir(path("..2")).unwrap();
            symlink("..2", path("..data_tmp")).unwrap();
            fs::rename(path("..data_tmp"), path("..data")).unwrap();
            follow.changed().await.unwrap();
            assert!(poll_once(follow.changed()).await.is_none());
        });
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        assert!(Follow::folder(Path::new("/nowhere/at/all")).is_err());
    }
}
