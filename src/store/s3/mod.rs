//! A bucket of an S3-compatible store, and the threads that speak with it.

pub(crate) mod trouble;

use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use futures_lite::future::block_on;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, Certificate, ClientConfigKey, ClientOptions, Error, ObjectStore, PutPayload, RetryConfig,
};
use tokio::runtime::{Builder, Runtime};

use crate::backend::Backend;
use crate::limits::{CALL_WITHIN, CONNECT_WITHIN, REQUEST_WITHIN, RETRIES_MAX, RETRY_WITHIN};
use crate::{Location, StoreError, Written};

/// There in every bucket that holds a store.
const MARK: &str = "store";
/// Names a file of certificates to be believed instead of the system's.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// Threads of the store's own on which requests are made: callers may be on threads of any other runtime, and block.
#[derive(Debug)]
pub(crate) struct Remote {
    // None only while it is dropped.
    runtime: Option<Runtime>,
}

/// Opens the store in a bucket, and tries at once whether it can be written to and refuses a second object of one name.
pub(crate) fn open(
    bucket: &str,
    prefix: &str,
    variables: &[(String, String)],
) -> Result<Backend, StoreError> {
    let location = Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
    let wrong = |why: String| StoreError::Bucket {
        attempt: "open the store".to_owned(),
        place: location.to_string(),
        why,
    };
    let objects = settings(bucket, variables)
        .and_then(|builder| builder.build().map_err(|error| trouble::of_settings(&error)))
        .map_err(&wrong)?;
    let objects: Arc<dyn ObjectStore> = match prefix {
        "" => Arc::new(objects),
        prefix => {
            let prefix = Path::parse(prefix).map_err(|error| wrong(error.to_string()))?;
            Arc::new(PrefixStore::new(objects, prefix))
        }
    };
    let remote = Remote::start().map_err(|error| wrong(format!("no thread could be started: {error}")))?;
    let backend = Backend::remote(&location, objects, remote);
    let mark = Path::from(MARK);
    backend.create(&mark, PutPayload::from_static(b"a store of netreach\n"))?;
    match backend.create(&mark, PutPayload::new())? {
        Written::Before => Ok(backend),
        Written::Now => Err(wrong(
            "it takes a second object of the same name, so two managers could both close a round; \
             take a store that knows conditional writes (If-None-Match)"
                .to_owned(),
        )),
    }
}

/// As the variables say it, with our bounds where they say nothing.
fn settings(bucket: &str, variables: &[(String, String)]) -> Result<AmazonS3Builder, String> {
    // Else the client would look for a provider that is not linked. One that is set already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = ClientOptions::new();
    if let Some(file) = value(variables, CA_BUNDLE) {
        let pem = fs::read(file).map_err(|error| format!("{CA_BUNDLE}={file} cannot be read: {error}"))?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|error| format!("{CA_BUNDLE}={file} holds no certificates in PEM: {error}"))?;
        options = certificates.into_iter().fold(options, ClientOptions::with_root_certificate);
        options = options.with_no_system_certificates(true);
    }
    let mut builder = AmazonS3Builder::new().with_client_options(options).with_retry(RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: RETRIES_MAX,
        retry_timeout: RETRY_WITHIN,
    });
    for (key, within) in
        [(ClientConfigKey::ConnectTimeout, CONNECT_WITHIN), (ClientConfigKey::Timeout, REQUEST_WITHIN)]
    {
        builder = builder.with_config(AmazonS3ConfigKey::Client(key), format!("{}s", within.as_secs()));
    }
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with("AWS_")) {
        // Other programs' variables are not ours to judge.
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    plain(builder.with_bucket_name(bucket))
}

/// Where nothing is encrypted, no certificates are needed: a system may have none.
fn plain(builder: AmazonS3Builder) -> Result<AmazonS3Builder, String> {
    let value = |key| builder.get_config_value(&key);
    let endpoint = value(AmazonS3ConfigKey::S3Endpoint).or_else(|| value(AmazonS3ConfigKey::Endpoint));
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.starts_with("http://")) else {
        return Ok(builder);
    };
    match value(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp)).as_deref() {
        Some("true") => {
            let key = AmazonS3ConfigKey::Client(ClientConfigKey::NoSystemCertificates);
            Ok(builder.with_config(key, "true"))
        }
        _ => Err(format!(
            "AWS_ENDPOINT={endpoint} is not encrypted; set AWS_ALLOW_HTTP=true where that is meant, else name https://"
        )),
    }
}

fn value<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

impl Remote {
    fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("store").enable_all().build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Does it, within the time that a call may take.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> object_store::Result<T> {
        let runtime = self.runtime.as_ref().expect("it ends when it is dropped");
        let task = runtime.spawn(async move { tokio::time::timeout(CALL_WITHIN, work).await });
        // A task is waited for like any other event: the caller's own runtime, if there is one, is not asked.
        match block_on(task) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                let why = format!("no answer within {} s", CALL_WITHIN.as_secs());
                Err(Error::Generic {
                    store: "S3",
                    source: Box::new(io::Error::new(io::ErrorKind::TimedOut, why)),
                })
            }
            Err(source) => Err(source.into()),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // To wait for its threads, as dropping it would, is not allowed on threads of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
