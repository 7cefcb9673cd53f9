//! A load that is offered whether or not what came before was answered: each delivery has its moment,
//! and the time that it takes is counted from there.

use crate::server::Server;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Connections; each has one request in flight.
const SENDERS: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Start,
    Nothing,
}

pub(crate) struct Rate {
    pub(crate) a_second: u32,
    pub(crate) time: Duration,
    /// Tells its deliveries from those of other parts.
    pub(crate) part: u32,
}

#[derive(Default)]
pub(crate) struct Load {
    pub(crate) times: Vec<Duration>,
    pub(crate) answers: BTreeMap<u16, usize>,
}

impl Load {
    pub(crate) fn add(&mut self, other: Load) {
        self.times.extend(other.times);
        for (status, times) in other.answers {
            *self.answers.entry(status).or_default() += times;
        }
    }
}

/// What one delivery is, as it is posted.
pub(crate) type Make<'a> = dyn Fn(usize) -> Vec<u8> + Sync + 'a;

pub(crate) fn offer(server: &dyn Server, rate: &Rate, make: &Make<'_>) -> Load {
    let count = (f64::from(rate.a_second) * rate.time.as_secs_f64()) as usize;
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    let pause = Duration::from_secs(1) / rate.a_second;
    let send = || {
        let (mut line, mut load) = (server.connect(), Load::default());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return load;
            }
            let moment = began + pause * u32::try_from(number).unwrap();
            let request = make(number + rate.part as usize * 10_000_000);
            std::thread::sleep(moment.saturating_duration_since(Instant::now()));
            let reply = line.send(&request);
            load.times.push(moment.elapsed());
            *load.answers.entry(reply.status).or_default() += 1;
        }
    };
    let mut all = Load::default();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
        senders.into_iter().for_each(|sender| all.add(sender.join().unwrap()));
    });
    all
}
