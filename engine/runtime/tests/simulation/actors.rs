//! The stage types of a storm: one follows the script in its configuration, one starts pipelines, one
//! takes an environment back.

use crate::{
    pipeline,
    script::{self, End, Move, Script},
    world::World,
};
use engine_core::{
    clock::Moment,
    event::{Signal, Signalled},
    plan::{Effect, Timeout},
    revision::{ComponentSet, Origin},
    stage::{
        Asked, EnvironmentUse, ObjectKey, Outputs, Record, Refusal, Stage, StageError, Step,
        StepContext, Traits, WaitReason, Wake,
    },
    status::WaitKind,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How a deploy begins its question that a later run has overtaken.
pub(crate) const OUT_OF_DATE: &str = "out of date";

/// A stage that follows the script in its configuration, of one type or the other: what the second
/// one says holds for one run only.
pub(crate) struct Scripted<const TYPE: usize>(pub(crate) World);

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Remembered {
    at: usize,
    polls: u32,
    /// How many answers there were when it asked, if it has asked.
    asked: Option<usize>,
    padding: String,
}

impl<const TYPE: usize> Stage for Scripted<TYPE> {
    const TYPE: &'static str = ["script", "checks"][TYPE];
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Writes,
        default_timeout: Timeout::Never,
    };
    type Config = Script;
    type Progress = Remembered;

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    #[expect(clippy::too_many_lines, reason = "one arm a move")]
    async fn step(
        &self,
        context: StepContext,
        script: Script,
        mut progress: Remembered,
    ) -> Result<Step<Remembered>, StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(120))).await;
        self.0.survive(context.identity.run).await;
        let is_new = progress.at == 0 && progress.polls == 0 && progress.asked.is_none();
        if is_new && context.target.is_some() && script.writes() && self.0.chance(24) == 0 {
            return Ok(self.wait(progress, WaitKind::Rules, 700));
        }
        let played = script.attempts.get(context.identity.attempt as usize - 1);
        let attempt = played.or(script.attempts.last()).unwrap();
        let Some(act) = attempt.moves.get(progress.at) else {
            return self.end(attempt.end, progress);
        };
        let at = progress.at;
        match act {
            Move::Poll { times } if progress.polls < *times && self.0.chance(2) == 0 => {
                return Ok(self.wait(progress, WaitKind::Readiness, 50)); // changes nothing
            }
            Move::Poll { times } if progress.polls < *times => progress.polls += 1,
            Move::Timer { ms } => {
                progress.at += 1;
                return Ok(self.wait(progress, WaitKind::Timer, *ms));
            }
            Move::Object => {
                progress.at += 1;
                return Ok(self.watch(progress));
            }
            Move::Effect => {
                self.0.act(&context, at).await?;
                progress.at += 1;
            }
            Move::Deploy { .. } => {
                let is_asked = match said(&context, &progress) {
                    Some(Signal::Yes) => false,
                    Some(_) => return Err(StageError::Rejected("out of date".to_owned())),
                    None => self.0.is_overtaken(&context).await?,
                };
                if is_asked {
                    return Ok(asking(&context, progress, (*act, OUT_OF_DATE)));
                }
                (progress.at, progress.asked) = (at + 1, None);
                let content = format!("{}-{at}", context.identity.attempt).into_bytes();
                return Ok(self.record(&context, (progress, content)));
            }
            Move::Remember => {
                progress.at += 1;
                progress.padding = "x".repeat(9_000);
            }
            Move::Ask { .. } | Move::Wonder { .. } => match said(&context, &progress) {
                Some(Signal::Reject) => return Err(StageError::Rejected("no".to_owned())),
                Some(Signal::No) => return Err(StageError::Failure("no".to_owned())),
                Some(_) => (progress.at, progress.asked) = (at + 1, None),
                None => return Ok(asking(&context, progress, (*act, "a person"))),
            },
            Move::Poll { .. } => progress.at += 1,
        }
        Ok(self.wait(progress, WaitKind::Readiness, 0))
    }

    fn refusal(&self, _script: &Script, _asked: &Asked<'_>, _answer: &Signalled) -> Refusal {
        Refusal::None
    }

    async fn abort(
        &self,
        context: StepContext,
        _script: Script,
        _progress: Remembered,
    ) -> Result<(), StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(50))).await;
        match self.0.chance(3) {
            0 => Err(StageError::Error("cannot be stopped now".to_owned())),
            _ => Ok(()),
        }
    }
}

/// What a person has answered since the stage asked.
fn said(context: &StepContext, progress: &Remembered) -> Option<Signal> {
    context.signals.get(progress.asked?).map(|said| said.signal)
}

fn asking(
    context: &StepContext,
    mut progress: Remembered,
    (act, about): (Move, &str),
) -> Step<Remembered> {
    progress.asked.get_or_insert(context.signals.len());
    let reason = WaitReason { kind: act.kind(), detail: format!("{about}: move {}", progress.at) };
    Step::Wait { progress, wake: Wake::default(), reason, records: Vec::new() }
}

/// The real stage that starts pipelines, slow enough for an engine to die before and after.
pub(crate) struct Calling(pub(crate) World);

impl Stage for Calling {
    const TYPE: &'static str = pipeline::Pipeline::TYPE;
    const TRAITS: Traits = pipeline::Pipeline::TRAITS;
    type Config = pipeline::Config;
    type Progress = pipeline::Progress;

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    async fn step(
        &self,
        context: StepContext,
        config: pipeline::Config,
        progress: pipeline::Progress,
    ) -> Result<Step<pipeline::Progress>, StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(120))).await;
        let answer = pipeline::Pipeline.step(context, config, progress).await;
        tokio::time::sleep(Duration::from_millis(self.0.chance(400))).await;
        answer
    }

    async fn abort(
        &self,
        context: StepContext,
        config: pipeline::Config,
        progress: pipeline::Progress,
    ) -> Result<(), StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(50))).await;
        pipeline::Pipeline.abort(context, config, progress).await
    }
}

/// The way back: it leads somewhere or not, as its attempt says.
pub(crate) struct Undo(pub(crate) World);

impl Stage for Undo {
    const TYPE: &'static str = "rollback";
    const TRAITS: Traits = Scripted::<0>::TRAITS;
    type Config = serde_json::Value;
    type Progress = Remembered;

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    async fn step(
        &self,
        context: StepContext,
        config: serde_json::Value,
        progress: Remembered,
    ) -> Result<Step<Remembered>, StageError> {
        let _inside = self.0.enter(&context);
        tokio::time::sleep(Duration::from_millis(self.0.chance(120))).await;
        assert_eq!(config["to"]["undo"], context.identity.run.to_string());
        if progress.at == 0 {
            self.0.act(&context, 0).await?;
            return Ok(Scripted::<0>(self.0.clone()).wait(
                Remembered { at: 1, ..progress },
                WaitKind::Readiness,
                50,
            ));
        }
        let stage = context.identity.stage.strip_suffix("/rollback").unwrap();
        match script::returns(stage, context.identity.attempt) {
            true => Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
            false => Err(StageError::Failure("no way back".to_owned())),
        }
    }
}

impl<const TYPE: usize> Scripted<TYPE> {
    fn end(&self, end: End, progress: Remembered) -> Result<Step<Remembered>, StageError> {
        match end {
            End::Succeed => Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
            End::Error => Err(StageError::Error("as scripted".to_owned())),
            End::Failure => Err(StageError::Failure("as scripted".to_owned())),
            End::Panic => panic!("as scripted"),
            End::Hang => Ok(self.wait(progress, WaitKind::Readiness, 20_000)),
        }
    }

    fn wait(&self, progress: Remembered, kind: WaitKind, ms: u64) -> Step<Remembered> {
        let at = self.0.clock.now().elapsed.plus(Duration::from_millis(ms));
        let wake = Wake { at: Some(Moment::Elapsed(at)), objects: Vec::new() };
        let reason = WaitReason { kind, detail: format!("at {}", progress.at) };
        Step::Wait { progress, wake, reason, records: Vec::new() }
    }

    fn watch(&self, progress: Remembered) -> Step<Remembered> {
        let position = *self.0.objects.borrow();
        let wake = Wake { at: None, objects: vec![ObjectKey { key: "all".to_owned(), position }] };
        let reason = WaitReason { kind: WaitKind::Readiness, detail: "an object".to_owned() };
        Step::Wait { progress, wake, reason, records: Vec::new() }
    }

    fn record(
        &self,
        context: &StepContext,
        (progress, content): (Remembered, Vec<u8>),
    ) -> Step<Remembered> {
        let name = context.services.name(&content);
        let set = ComponentSet {
            component: "main".to_owned(),
            content: name.clone(),
            images: BTreeMap::new(),
            further_images: BTreeSet::new(),
            readiness: engine_core::revision::Readiness::Awaited,
            origin: Origin::Deploy,
        };
        let waiting = self.wait(progress, WaitKind::Readiness, 0);
        // A tag that moves all the time: whoever comes first says what it stands for.
        let resolved = format!("web@{}", self.0.chance(1_000_000));
        let image = Record::Image { reference: "web:v1".to_owned(), resolved };
        let records = vec![image, Record::Blob { name, content }, Record::Revision(set)];
        match waiting {
            Step::Wait { progress, wake, reason, .. } => {
                Step::Wait { progress, wake, reason, records }
            }
            Step::Done { outputs, .. } => Step::Done { outputs, records },
        }
    }
}
