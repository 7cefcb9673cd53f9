//! What every handler can reach.

use crate::{Api, Configuration, Mailroom, Starter, mail::ALL_BYTES, metrics::Metrics};
use engine_core::latest::Latest;
use engine_runtime::{engine::Engine, reader::Reader};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::{Semaphore, watch};

/// So many may follow what happens at the same time.
const STREAMS: usize = 64;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) starter: Arc<dyn Starter>,
    pub(crate) configuration: Latest<Configuration>,
    pub(crate) mailroom: Arc<dyn Mailroom>,
    /// One permit a byte of what is being posted.
    pub(crate) posted: Arc<Semaphore>,
    /// One for all requests: it remembers the history of pipelines.
    pub(crate) reader: Reader,
    pub(crate) metrics: Arc<Metrics>,
    /// One permit a stream.
    pub(crate) streams: Arc<Semaphore>,
    /// Streams end when this turns true: they would keep their connections for ever.
    pub(crate) left: watch::Receiver<bool>,
    /// The way by which changes are asked for.
    pub(crate) socket: PathBuf,
}

impl Service {
    pub(crate) fn new(api: Api, socket: PathBuf, left: watch::Receiver<bool>) -> Service {
        let Api { engine, starter, configuration, mailroom, version } = api;
        Service {
            reader: engine.reader(),
            metrics: Arc::new(Metrics::new(version)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            engine,
            starter,
            configuration,
            mailroom,
            posted: Arc::new(Semaphore::new(ALL_BYTES)),
            left,
            socket,
        }
    }
}
