//! What holds of a store wherever it lies: each check is made on a directory and on a bucket.

pub(crate) mod crash;
pub(crate) mod damage;
pub(crate) mod fixture;
pub(crate) mod protocol;
pub(crate) mod rounds;

use netreach_store::{Location, Store};

/// Where a store lies, and how to spoil what is in it behind its back.
pub(crate) trait Place: Sync {
    fn location(&self) -> Location;
    fn variables(&self) -> Vec<(String, String)>;
    /// An object's bytes.
    fn get(&self, key: &str) -> Option<Vec<u8>>;
    /// Writes these in an object's place.
    fn put(&self, key: &str, bytes: &[u8]);

    /// A store of its own there, as another process would have.
    fn open(&self) -> Store {
        Store::open_with(&self.location(), &self.variables()).unwrap()
    }

    /// Leaves half of an object.
    fn tear(&self, key: &str) -> Vec<u8> {
        let whole = self.get(key).unwrap();
        let torn = whole[..whole.len() / 2].to_vec();
        self.put(key, &torn);
        torn
    }
}
