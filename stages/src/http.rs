//! `http`: asks a server, or tells it something, at most once unless it may be repeated.

mod config;
mod exchange;
mod guard;
mod verdict;

pub use config::Config;

use engine_core::{
    clock::Moment,
    event::{Signal, Signalled},
    files::{Files, Step as PathStep},
    latest::Latest,
    plan::{Effect, Timeout},
    platform::Platform,
    stage::{
        Asked, EnvironmentUse, Fault, FaultCode, Outputs, Refusal, Stage, StageError, Step,
        StepContext, Traits, WaitReason, Wake,
    },
    status::WaitKind,
};
use exchange::{Caller, Exchange, Request};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use verdict::Verdict;

/// Sends requests for runs.
#[derive(Default)]
pub struct Http {
    caller: Caller,
    platform: Latest<Platform>,
}

impl Http {
    /// Asks only what the platform allows.
    pub fn on(platform: Latest<Platform>) -> Http {
        Http { caller: Caller::default(), platform }
    }
}

/// How far an attempt is. A request that must not be repeated is announced in the log first, so
/// that whoever finds the announcement of another engine knows that it may have been sent.
#[derive(Default, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
pub enum Progress {
    #[default]
    New,
    /// It is sent by the engine of this epoch as soon as this is recorded.
    Announced { epoch: u64 },
    /// Whether it was carried out is not known; `answered` answers came before.
    Unknown { why: String, answered: usize },
}

impl Stage for Http {
    const TYPE: &'static str = "http";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Reads,
        default_timeout: Timeout::AfterMs(15 * 60 * 1_000),
    };
    type Config = Config;
    type Progress = Progress;

    fn heard(progress: &mut Progress) -> Vec<&mut String> {
        match progress {
            Progress::New | Progress::Announced { .. } => Vec::new(),
            Progress::Unknown { why, .. } => vec![why],
        }
    }

    fn check(config: &Config, _files: &Files) -> Vec<Fault> {
        config.faults()
    }

    fn check_here(&self, config: &Config) -> Vec<Fault> {
        // An address that is none is told as such.
        let Ok(url) = config.address() else { return Vec::new() };
        let refused = guard::check_allowed(&self.platform.now(), config.method.word(), &url).err();
        let fault = refused.map(|(message, help)| Fault {
            code: FaultCode::Unknown,
            place: vec![PathStep::Key("url".to_owned())],
            message,
            help: Some(help),
        });
        fault.into_iter().collect()
    }

    fn refusal(&self, _config: &Config, _asked: &Asked<'_>, _answer: &Signalled) -> Refusal {
        Refusal::None
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        progress: Progress,
    ) -> Result<Step<Progress>, StageError> {
        let ours = context.identity.epoch.0;
        match progress {
            Progress::New if config.may_repeat() => self.repeatable(&context, &config).await,
            Progress::New => Ok(announce(&context, &config)),
            Progress::Announced { epoch } if epoch == ours => self.once(&context, &config).await,
            Progress::Announced { .. } => {
                let why = "the engine ended while the request was under way".to_owned();
                Ok(ask(&context, &config, why))
            }
            Progress::Unknown { why, answered } => match context.signals.get(answered) {
                None => Ok(asking(&config, why, answered)),
                Some(said) if said.signal == Signal::No => Ok(announce(&context, &config)),
                Some(_) => Ok(Step::done()),
            },
        }
    }
}

impl Http {
    async fn send(&self, context: &StepContext, config: &Config) -> Result<Exchange, StageError> {
        let url = config.address().map_err(StageError::Failure)?;
        let allowed = guard::check_allowed(&self.platform.now(), config.method.word(), &url);
        allowed.map_err(|(message, help)| StageError::Failure(format!("{message}: {help}")))?;
        let request = Request::new(config, context).await?;
        context.may_act()?;
        Ok(self.caller.exchange(request).await)
    }

    /// A request that does no harm when it is sent again.
    async fn repeatable(
        &self,
        context: &StepContext,
        config: &Config,
    ) -> Result<Step<Progress>, StageError> {
        let verdict = match self.send(context, config).await? {
            Exchange::Answered(response) => verdict::judge(context, config, response).await,
            Exchange::NotSent(why) | Exchange::Unknown(why) => Verdict::NotTold(why),
        };
        match (verdict, &config.poll) {
            (Verdict::Good(outputs), _) => Ok(done(outputs)),
            (Verdict::Over(why), _) | (Verdict::NotYet(why), None) => Err(StageError::Failure(why)),
            (Verdict::NotTold(why), None) => Err(StageError::Error(why)),
            (Verdict::NotYet(why) | Verdict::NotTold(why), Some(poll)) => {
                Ok(wait(context, Progress::New, (poll.every.get(), why)))
            }
        }
    }

    /// A request that is sent once: what became of it is known, or a person is asked.
    async fn once(
        &self,
        context: &StepContext,
        config: &Config,
    ) -> Result<Step<Progress>, StageError> {
        match self.send(context, config).await? {
            Exchange::NotSent(why) => Err(StageError::Error(why)),
            Exchange::Unknown(why) => Ok(ask(context, config, why)),
            Exchange::Answered(response) => match verdict::judge(context, config, response).await {
                Verdict::Good(outputs) => Ok(done(outputs)),
                Verdict::Over(why) | Verdict::NotYet(why) | Verdict::NotTold(why) => {
                    Err(StageError::Failure(why))
                }
            },
        }
    }
}

fn announce(context: &StepContext, config: &Config) -> Step<Progress> {
    let epoch = context.identity.epoch.0;
    let words = format!("{} is about to be sent", config.words());
    wait(context, Progress::Announced { epoch }, (Duration::ZERO, words))
}

fn ask(context: &StepContext, config: &Config, why: String) -> Step<Progress> {
    asking(config, why, context.signals.len())
}

fn asking(config: &Config, why: String, answered: usize) -> Step<Progress> {
    let detail = format!(
        "was {} carried out? {why}. Answer yes, and the stage has succeeded, or no, and it is sent \
        again",
        config.words()
    );
    Step::Wait {
        progress: Progress::Unknown { why, answered },
        wake: Wake::default(),
        reason: WaitReason { kind: WaitKind::Question, detail },
        records: Vec::new(),
    }
}

fn wait(
    context: &StepContext,
    progress: Progress,
    (pause, detail): (Duration, String),
) -> Step<Progress> {
    let at = Some(Moment::Elapsed(context.now.elapsed.plus(pause)));
    Step::Wait {
        progress,
        wake: Wake { at, objects: Vec::new() },
        reason: WaitReason { kind: WaitKind::Readiness, detail },
        records: Vec::new(),
    }
}

fn done(outputs: Outputs) -> Step<Progress> {
    Step::Done { outputs, records: Vec::new() }
}
