//! Goes by the platform's file as it is: looks whether it, or one that it includes, has changed, and
//! takes what is sound. What is at fault changes nothing and is told.

use crate::{
    arguments::Common,
    clusters::Reach,
    platform::{self, Gathered, Invalid},
    screen, secrets,
    sources::Watched,
};
use engine_api::Configuration;
use engine_core::{fact::Fact, latest::Latest};
use engine_runtime::engine::Engine;
use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};
use tokio::signal::unix::Signal;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// So much of a fault is recorded.
const FAULT: usize = 500;

/// What is replaced when the platform's file has changed.
#[derive(Clone)]
pub(crate) struct InForce {
    pub(crate) reach: Latest<Reach>,
    /// What people are told about it.
    pub(crate) told: Latest<Configuration>,
    /// Where pipelines live, if this engine looks at any.
    pub(crate) sources: Option<Arc<Watched>>,
}

/// The file as it was found at the last look; or why there was nothing to be found.
type Sight = Result<Arc<Gathered>, String>;

impl InForce {
    pub(crate) fn on(reach: Latest<Reach>) -> InForce {
        let told = match &reach.now().found.gathered {
            Some(gathered) => Configuration::InForce { file: name(gathered) },
            None => Configuration::None,
        };
        InForce { reach, told: Latest::new(told), sources: None }
    }

    /// Follows the file for as long as anybody waits for this. An engine that began without one
    /// goes on without: it would close what its runs have begun.
    /// `asked` is there before anybody is told that the engine listens: who asks earlier would end it.
    pub(crate) async fn follow(
        &self,
        (common, engine): (&Common, &Engine),
        mut asked: Signal,
    ) -> anyhow::Result<Infallible> {
        let Some(taken) = self.reach.now().found.gathered.clone() else {
            return Ok(std::future::pending().await);
        };
        let path = taken.path().to_owned();
        let (mut taken, mut before): (Sight, Sight) = (Ok(taken.clone()), Ok(taken));
        loop {
            let was_asked = hurried(&mut asked).await;
            let seen = sight(path.clone()).await;
            // A file that is being written may be sound half-way, and say less than it will.
            let is_settled = was_asked || seen == before;
            if is_settled && (was_asked || seen != taken) {
                let fact = self.take(common, &seen).await;
                if let Err(error) = engine.record(fact).await {
                    tracing::warn!(%error, "that the configuration was looked at is not recorded");
                }
                taken = seen.clone();
            }
            before = seen;
        }
    }

    async fn take(&self, common: &Common, seen: &Sight) -> Fact {
        let refused = match self.renewed(common, seen).await {
            Ok(file) => {
                tracing::info!(%file, "the platform's file was read again");
                screen::say(&format!("{file} was read again and is in force"));
                self.told.replace(Configuration::InForce { file: file.clone() });
                return Fact::ConfigurationTaken { file };
            }
            Err(refused) => refused,
        };
        let Refused { file, told, first } = refused;
        tracing::error!(%file, fault = %first, "the platform's file is refused");
        screen::say(&format!("{told}{file} is refused, and what it said before stays in force"));
        let fault = first.chars().take(FAULT).collect();
        self.told.replace(Configuration::Refused { file: file.clone(), fault: first });
        Fact::ConfigurationRefused { file, fault }
    }

    async fn renewed(&self, common: &Common, seen: &Sight) -> Result<String, Refused> {
        let before = self.reach.now();
        let file = before.found.gathered.as_deref().map(name).unwrap_or_default();
        let refused = |told: String, first: String| Refused { file: file.clone(), told, first };
        let seen = seen.as_ref().map_err(|error| refused(format!("{error}\n"), error.clone()))?;
        let found = Arc::unwrap_or_clone(seen.clone()).judged();
        let found = found.map_err(|Invalid { told, first }| refused(told, first))?;
        for lasting in lasting(&before, &found) {
            screen::say(&format!("{lasting} has changed, which counts from the next start on"));
        }
        let taken = self.taken(common, found).await;
        taken.map_err(|error| refused(format!("{error:#}\n"), format!("{error:#}")))?;
        Ok(file)
    }

    /// All of it, or nothing.
    async fn taken(&self, common: &Common, found: platform::Found) -> anyhow::Result<()> {
        let before = self.reach.now();
        let prepared = match &self.sources {
            Some(watched) => {
                let kept = secrets::kept(common, &found);
                Some((watched, watched.prepare(&found, &kept).await?))
            }
            None => None,
        };
        let renewed = before.renewed(common, found).await?;
        self.reach.replace(renewed);
        if let Some((watched, sources)) = prepared {
            watched.take(sources).await;
        }
        Ok(())
    }
}

/// Why what was found was not taken.
struct Refused {
    file: String,
    told: String,
    /// In one line.
    first: String,
}

fn name(gathered: &Gathered) -> String {
    gathered.path().display().to_string()
}

/// Waits for the time to look again; whether somebody asked for it.
async fn hurried(asked: &mut Signal) -> bool {
    tokio::select! {
        _ = asked.recv() => true,
        () = tokio::time::sleep(LOOK) => false,
    }
}

async fn sight(path: PathBuf) -> Sight {
    let looked = tokio::task::spawn_blocking(move || {
        let gathered = platform::gather(&path);
        gathered
            .map(Arc::new)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))
    });
    looked.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// What an engine does once, when it starts.
fn lasting(before: &Reach, found: &platform::Found) -> Vec<&'static str> {
    let (before, after) = (&before.found.platform, &found.platform);
    let pairs = [
        ("server.listen", before.listen() != after.listen()),
        ("database", before.database() != after.database()),
        ("server.socketGroup", before.socket_group() != after.socket_group()),
    ];
    pairs.into_iter().filter(|(_, has_changed)| *has_changed).map(|(key, _)| key).collect()
}
