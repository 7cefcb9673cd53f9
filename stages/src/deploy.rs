//! `deploy`: renders manifests, applies the whole set and waits until it is ready.

mod config;
mod overtaken;
mod rendering;

pub use config::Config;

use crate::{
    Ground,
    pinning::{Pinned, pin},
    release::{self, Intended, Phase, Progress, Set},
    rules::{self, After},
    site::{Site, Trouble},
};
use artifacts::registry::Registries;
use engine_core::{
    event::Signalled,
    files::{FileRequest, Files},
    plan::{Effect, Timeout},
    revision::{ComponentSet, Origin},
    stage::{Asked, EnvironmentUse, Fault, Refusal, Stage, StageError, Step, StepContext, Traits},
};
use std::collections::BTreeSet;

pub struct Deploy {
    pub ground: Ground,
    pub registries: Registries,
}

impl Stage for Deploy {
    const TYPE: &'static str = "deploy";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Required,
        effect: Effect::Writes,
        default_timeout: Timeout::AfterMs(15 * 60 * 1_000),
    };
    type Config = Config;
    type Progress = Progress;

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    fn files(config: &Config) -> Vec<FileRequest> {
        config.requests()
    }

    fn check(config: &Config, files: &Files) -> Vec<Fault> {
        rendering::check(config, files)
    }

    fn images(config: &Config, files: &Files, offered: &[&str]) -> Vec<String> {
        rendering::images(config, files, offered)
    }

    /// Whoever may answer for the run may say whether it is still wanted.
    fn refusal(&self, _config: &Config, _asked: &Asked<'_>, _answer: &Signalled) -> Refusal {
        Refusal::None
    }

    fn component(config: &Config) -> Option<String> {
        Some(config.component.clone())
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        progress: Progress,
    ) -> Result<Step<Progress>, StageError> {
        let outcome = self.advance((&context, config), progress.phase.clone()).await;
        release::answer(&context, progress, outcome)
    }
}

impl Deploy {
    async fn advance(
        &self,
        (context, config): (&StepContext, Config),
        phase: Phase,
    ) -> Result<Step<Progress>, Trouble> {
        let site = Site::open(&self.ground, context).await?;
        match phase {
            Phase::Preparing | Phase::Asking { .. } => self.prepare(&site, config, phase).await,
            Phase::Applying(_) | Phase::Settling(_) => {
                release::go_on(&site, phase, config.wait).await
            }
        }
    }

    /// Images first: what is asked of a person, and what is recorded, has them by digest.
    async fn prepare(
        &self,
        site: &Site<'_>,
        mut config: Config,
        phase: Phase,
    ) -> Result<Step<Progress>, Trouble> {
        let pinned = pin(&self.registries, site.context, config.images.values()).await?;
        let answered = match (pinned, phase) {
            (Pinned::First(records), phase) => {
                return Ok(site.recording(Progress::reached(phase), records));
            }
            (Pinned::All(known), phase) => {
                for image in config.images.values_mut() {
                    if let Some(resolved) = known.get(image) {
                        image.clone_from(resolved);
                    }
                }
                phase
            }
        };
        if site.looks_at_images() {
            let rendered = rendering::render(site.context, &config).await?;
            site.keep_to_images(&rendered.objects)?;
            match site.come_after(&rendered.objects).await? {
                After::Met => {}
                After::Waits { detail, keys } => {
                    return Ok(After::wait((detail, keys), Progress::reached(answered)));
                }
            }
        }
        match answered {
            Phase::Asking { answered } => overtaken::answered(site, &config, answered).await,
            Phase::Preparing | Phase::Applying(_) | Phase::Settling(_) => {
                overtaken::ask(site, &config).await
            }
        }
    }
}

async fn prepare(site: &Site<'_>, config: &Config) -> Result<Step<Progress>, Trouble> {
    if let Some(asked) = site.admitted()? {
        return Ok(asked);
    }
    let rendered = rendering::render(site.context, config).await?;
    let known: BTreeSet<&String> = rendered.images.values().collect();
    let further = rules::images_of(&rendered.objects).into_keys();
    let further_images = further.filter(|image| !known.contains(image)).collect();
    let set = Set::new(rendered.objects);
    let content = set.encode()?;
    let record = ComponentSet {
        component: config.component.clone(),
        content: site.context.services.name(&content),
        images: rendered.images,
        further_images,
        origin: Origin::Deploy,
        readiness: config.wait.readiness(),
    };
    let revisions = site.revisions().await?;
    let intended = Intended { set, record, content: Some(content), pruning: config.prune };
    release::prepare(site, vec![intended], &revisions).await
}
