//! The store in a bucket of a real MinIO.
#![allow(clippy::unwrap_used, reason = "tests")]

mod suite;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use netreach_store::{Location, Store, StoreError, Written};
use netreach_tests::{Authority, Minio};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use suite::Place;
use suite::fixture::{agent, kept, kept_of, report, round, verdict};
use tokio::runtime::Runtime;

/// A part of a bucket that is a test's own.
struct Bucket {
    minio: Arc<Minio>,
    prefix: &'static str,
    raw: AmazonS3,
    runtime: Runtime,
}

static SHARED: LazyLock<Arc<Minio>> = LazyLock::new(|| Arc::new(Minio::start()));

impl Bucket {
    fn shared(prefix: &'static str) -> Self {
        Self::of(&SHARED, prefix)
    }

    fn of(minio: &Arc<Minio>, prefix: &'static str) -> Self {
        let builder = AmazonS3Builder::new().with_bucket_name(Minio::BUCKET);
        let builder = minio.variables().iter().fold(builder, |builder, (name, value)| {
            builder.with_config(name.to_lowercase().parse().unwrap(), value)
        });
        // Opening a store chooses the provider of encryption, and nothing here asks for any.
        let bucket = Location::Bucket { bucket: Minio::BUCKET.to_owned(), prefix: prefix.to_owned() };
        Store::open_with(&bucket, minio.variables()).unwrap();
        let raw = builder.build().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { minio: Arc::clone(minio), prefix, raw, runtime }
    }

    fn path(&self, key: &str) -> Path {
        Path::parse(format!("{}/{key}", self.prefix)).unwrap()
    }
}

impl Place for Bucket {
    fn location(&self) -> Location {
        Location::Bucket { bucket: Minio::BUCKET.to_owned(), prefix: self.prefix.to_owned() }
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.minio.variables().to_vec()
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let read = async { self.raw.get(&self.path(key)).await?.bytes().await };
        match self.runtime.block_on(read) {
            Ok(bytes) => Some(bytes.into()),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => panic!("{key}: {error}"),
        }
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        let put = self.raw.put_opts(&path, bytes.to_vec().into(), Default::default());
        self.runtime.block_on(put).unwrap();
    }
}

#[test]
fn one_closes_a_round() {
    suite::protocol::one_closes_a_round(&Bucket::shared("closes"));
}

#[test]
fn a_result_is_kept_once() {
    suite::protocol::a_result_is_kept_once(&Bucket::shared("once"));
}

#[test]
fn epochs_rise() {
    suite::protocol::epochs_rise(&Bucket::shared("epochs"));
}

#[test]
fn the_index_is_a_cache() {
    suite::rounds::the_index_is_a_cache(&Bucket::shared("index"));
}

#[test]
fn retention() {
    suite::rounds::retention(&Bucket::shared("retention"));
}

#[test]
fn what_is_of_no_use_goes() {
    suite::rounds::what_is_of_no_use_goes(&Bucket::shared("left"));
}

#[test]
fn the_gone_are_swept() {
    suite::rounds::the_gone_are_swept(&Bucket::shared("swept"));
}

#[test]
fn damage() {
    suite::damage::a_damaged_result_is_named(&Bucket::shared("damage/a"));
    suite::damage::a_damaged_result_is_kept_anew(&Bucket::shared("damage/b"));
    suite::damage::a_damaged_record_is_named(&Bucket::shared("damage/c"));
    suite::damage::a_damaged_object_is_an_error_that_names_it(&Bucket::shared("damage/d"));
}

#[test]
fn nothing_acknowledged_is_lost_by_a_crash() {
    suite::crash::nothing_acknowledged_is_lost(&Bucket::shared("crash"), "be_a_manager");
}

/// A process of its own of the test above.
#[test]
fn be_a_manager() {
    suite::crash::be_a_manager();
}

/// A MinIO that ends, and one that hangs, is away, and nothing that was acknowledged is lost by it.
#[test]
fn a_store_that_is_away_comes_back() {
    let minio = Arc::new(Minio::start());
    let bucket = Bucket::of(&minio, "away");
    let mut variables = bucket.variables();
    variables.push(("AWS_TIMEOUT".to_owned(), "1s".to_owned()));
    let store = Store::open_with(&bucket.location(), &variables).unwrap();
    let id = round("uid", 1);
    let keep = |pod: &str| store.keep_result(&kept("n", pod, false));
    assert_eq!(keep("before").unwrap(), Written::Now);

    minio.stop();
    let began = Instant::now();
    let errors: [StoreError; 4] = [
        keep("ended").unwrap_err(),
        store.read_results(&id).unwrap_err(),
        store.close_round(&report("uid", 1, "task"), &verdict()).unwrap_err(),
        store.next_epoch(0).unwrap_err(),
    ];
    for error in &errors {
        assert!(error.is_away() && !error.is_the_objects(), "{error}");
    }
    let said = errors[0].to_string();
    let begin = "could not write uid/rounds/1/results/n/ended: the store is away (s3://netreach/away: ";
    assert!(said.starts_with(begin) && said.ends_with("); later calls may succeed"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let error = Store::open_with(&bucket.location(), &variables).unwrap_err();
    assert!(error.is_away(), "{error}");

    minio.start_again();
    assert_eq!(keep("ended").unwrap(), Written::Now);
    assert_eq!(keep("before").unwrap(), Written::Before);
    minio.pause();
    let hung = keep("hung");
    minio.go_on();
    assert!(hung.as_ref().is_err_and(StoreError::is_away), "{hung:?}");
    // Whether it was written is not known; to write it again is safe.
    keep("hung").unwrap();
    assert_eq!(store.close_round(&report("uid", 1, "task"), &verdict()).unwrap(), Written::Now);
    let pods: Vec<_> = store.read_results(&id).unwrap().kept.into_iter().map(|kept| kept.agent.pod).collect();
    assert_eq!(pods, ["before", "ended", "hung"]);
    assert_eq!(store.summaries("uid").unwrap().rounds.len(), 1);
}

/// Encrypted, and by the authority that is named, alone.
#[test]
fn a_server_is_believed_by_its_authority() {
    let authorities = [Authority::new("ours"), Authority::new("another")];
    let minio = Minio::start_encrypted(&authorities[0].sign("127.0.0.1"));
    let dir = tempfile::tempdir().unwrap();
    let open = |authority: &Authority| {
        let bundle = dir.path().join("bundle");
        std::fs::write(&bundle, authority.pem()).unwrap();
        let mut variables = minio.variables().to_vec();
        variables.push(("AWS_CA_BUNDLE".to_owned(), bundle.display().to_string()));
        Store::open_with(&"s3://netreach/tls".parse().unwrap(), &variables)
    };
    assert_eq!(open(&authorities[0]).unwrap().keep_result(&kept("n", "p", false)).unwrap(), Written::Now);
    let error = open(&authorities[1]).unwrap_err();
    assert!(!error.is_away(), "{error}");
    let said = error.to_string();
    assert!(said.contains("its certificate is not believed (") && said.contains("AWS_CA_BUNDLE"), "{said}");
}

/// Calls are made from threads of other runtimes, and the store is dropped there.
#[test]
fn it_is_used_and_dropped_on_another_runtimes_thread() {
    let bucket = Bucket::shared("runtimes");
    let another = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (location, variables) = (bucket.location(), bucket.variables());
    let kept = another.block_on(async move {
        let store = Store::open_with(&location, &variables).unwrap();
        store.keep_result(&kept("n", "p", false)).unwrap()
    });
    assert_eq!(kept, Written::Now);
}

#[test]
fn what_cannot_work_says_what_to_set() {
    let bucket = Bucket::shared("settings");
    let check = |change: &[(&str, Option<&str>)], name: &str, expected: &str| {
        let mut variables = bucket.variables();
        for (name, value) in change {
            variables.retain(|(other, _)| other != name);
            variables.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
        }
        let location = Location::Bucket { bucket: name.to_owned(), prefix: "settings".to_owned() };
        let error = Store::open_with(&location, &variables).unwrap_err();
        assert!(!error.is_away(), "{error}");
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        &[("AWS_ALLOW_HTTP", None)],
        Minio::BUCKET,
        "is not encrypted; set AWS_ALLOW_HTTP=true where that is meant",
    );
    check(
        &[("AWS_SECRET_ACCESS_KEY", None)],
        Minio::BUCKET,
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    );
    check(&[("AWS_SECRET_ACCESS_KEY", Some("wrong-for-tests"))], Minio::BUCKET, "SignatureDoesNotMatch");
    check(
        &[("AWS_ACCESS_KEY_ID", Some("nobody"))],
        Minio::BUCKET,
        "look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    );
    check(
        &[],
        "no-such-bucket",
        "in s3://no-such-bucket/settings: there is no such bucket: make it, or look at AWS_ENDPOINT",
    );
    check(&[("AWS_CA_BUNDLE", Some("/nowhere"))], Minio::BUCKET, "AWS_CA_BUNDLE=/nowhere cannot be read");
}

/// One listing gives no more than a thousand objects at once.
#[test]
fn more_than_a_page_of_results_is_read_and_removed() {
    const AGENTS: usize = 1_050;
    let bucket = Bucket::shared("pages");
    let store = bucket.open();
    let id = round("uid", 1);
    std::thread::scope(|scope| {
        for part in 0..8 {
            let (store, id) = (&store, &id);
            scope.spawn(move || {
                for number in (part..AGENTS).step_by(8) {
                    let kept = kept_of(id, agent(&format!("n{number}"), "p"), false);
                    store.keep_result(&kept).unwrap();
                }
            });
        }
    });
    assert_eq!(store.kept_agents(&id).unwrap().len(), AGENTS);
    assert_eq!(store.read_results(&id).unwrap().kept.len(), AGENTS);
    store.settle_round(&id).unwrap();
    assert_eq!(store.kept_agents(&id).unwrap(), []);
}
