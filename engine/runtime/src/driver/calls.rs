//! The calls of stages that are under way: at most one a stage, none ever dropped.

use super::world;
use super::{Shop, masking::Masking};
use crate::children::Caller;
use crate::services::{CallServices, SecretUser};
use engine_core::{
    BoxFuture, Execution,
    event::{Answer, Call, Command, Input, Progress},
    execution::Operation,
    plan::NodeIndex,
    stage::{AnyStage, Identity, Record, ServiceError, StageError, Step, StepContext},
    store::AttemptKey,
};
use futures::{
    FutureExt,
    stream::{FuturesUnordered, StreamExt},
};
use serde_json::Value;
use std::{
    any::Any,
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::broadcast, time::Instant};

/// Progress above this size, in bytes of JSON, is kept as a blob.
const INLINE_LIMIT: usize = 8 * 1024;

#[derive(Default)]
pub(super) struct Calls {
    under_way: FuturesUnordered<BoxFuture<'static, Input>>,
    stops: BTreeMap<NodeIndex, Arc<AtomicBool>>,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The next answer; never, if nothing is under way.
    pub(super) async fn next(&mut self) -> Input {
        match self.under_way.next().await {
            Some(input) => input,
            None => std::future::pending().await,
        }
    }

    /// Does what the machine asked for.
    pub(super) fn perform(&mut self, shop: &Shop, execution: &Execution, command: Command) {
        match command {
            Command::Stop { call } => {
                if let Some(stop) = self.stops.get(&call.node) {
                    stop.store(true, Ordering::Release);
                }
            }
            Command::Evaluate { call } => {
                if let Some(evaluation) = execution.evaluation(call) {
                    let of = (execution.recorded().id, execution.plan().document());
                    let answer = world::evaluated(shop, of, evaluation);
                    let input = answer.map(move |answer| Input::Evaluated { call, answer });
                    self.under_way.push(input.boxed());
                }
            }
            Command::Judge { call } => {
                if let Some(case) = execution.case(call) {
                    let verdict = case.admit(&shop.platform.now(), shop.backing.clock.now().civil);
                    let input = Input::Judged { call, verdict };
                    self.under_way.push(std::future::ready(input).boxed());
                }
            }
            Command::Step { call } | Command::Abort { call } => {
                let stop = Arc::new(AtomicBool::new(false));
                self.stops.insert(call.node, stop.clone());
                if let Some(operation) = execution.operation(call) {
                    let begun = Begun::new(shop, execution, (call, operation, stop));
                    self.under_way.push(match command {
                        Command::Abort { .. } => begun.abort().boxed(),
                        Command::Step { .. }
                        | Command::Stop { .. }
                        | Command::Judge { .. }
                        | Command::Evaluate { .. } => begun.step().boxed(),
                    });
                }
            }
        }
    }
}

/// How long a step took, for whoever counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stepped {
    pub stage_type: String,
    /// `done`, `wait`, or the kind of its error.
    pub came_to: &'static str,
    pub took: Duration,
}

fn came_to(answer: &Result<Step<Value>, StageError>) -> &'static str {
    match answer {
        Ok(Step::Done { .. }) => "done",
        Ok(Step::Wait { .. }) => "wait",
        Err(_) => "error",
    }
}

/// A call with everything it needs, owned.
struct Begun {
    stages: Arc<engine_core::Registry<dyn AnyStage>>,
    stage_type: String,
    call: Call,
    config: Value,
    progress: Progress,
    context: StepContext,
    masking: Masking,
    steps: broadcast::Sender<Stepped>,
}

impl Begun {
    fn new(
        shop: &Shop,
        execution: &Execution,
        (call, operation, stop): (Call, Operation<'_>, Arc<AtomicBool>),
    ) -> Begun {
        let plan = execution.plan();
        let node = plan.node(call.node);
        let Operation { stage_type, name, config, attempt } = operation;
        let document = plan.document();
        let identity = Identity {
            run: execution.recorded().id,
            application: document.application.clone(),
            pipeline: document.pipeline.clone(),
            stage: name,
            attempt: call.attempt,
            epoch: shop.backing.guard.epoch,
        };
        let caller = caller(shop, execution, (call, &identity));
        let services = services(shop, caller, (node.environment.clone(), stop));
        let context = StepContext {
            identity,
            now: shop.backing.clock.now(),
            taken_over_from: execution.taken_over_from(),
            starter: execution.recorded().actor.clone(),
            signals: attempt.signals.clone(),
            place: plan.place(node).cloned(),
            target: plan.target(node),
            case: execution.case_of(call.node),
            kept: execution.kept_meanwhile(call.node),
            files: node.files.clone(),
            patterns: node.patterns.clone(),
            images: execution.recorded().images.clone(),
            services: Arc::new(services),
        };
        let progress = attempt.progress.clone();
        let (stages, stage_type) = (shop.stages.clone(), stage_type.to_owned());
        let masking = Masking::new(shop, plan);
        let steps = shop.steps.clone();
        Begun { stages, stage_type, call, config, progress, context, masking, steps }
    }

    async fn step(self) -> Input {
        let (call, mask) = (self.call, self.masking.learned().await);
        let services = self.context.services.clone();
        let (steps, stage_type, begun) =
            (self.steps.clone(), self.stage_type.clone(), Instant::now());
        let answer = AssertUnwindSafe(self.stepped()).catch_unwind().await;
        let answer = answer.unwrap_or_else(|panic| Err(broken(&*panic)));
        // Nobody need be listening.
        drop(steps.send(Stepped { stage_type, came_to: came_to(&answer), took: begun.elapsed() }));
        let answer = answer.and_then(|step| outlined(step, &*services));
        Input::Stepped { call, answer: mask.answer(answer) }
    }

    async fn stepped(self) -> Result<Step<Value>, StageError> {
        let Some(stage) = self.stages.get(&self.stage_type) else {
            let name = &self.stage_type;
            let gone = format!("stage type `{name}` is not known to this release of gennaker");
            return Err(StageError::Defect(gone));
        };
        let progress = remembered(self.progress, &self.context).await?;
        stage.step(self.context, self.config, progress).await
    }

    async fn abort(self) -> Input {
        let (call, mask) = (self.call, self.masking.learned().await);
        let answer = AssertUnwindSafe(self.aborted()).catch_unwind().await;
        let answer = answer.unwrap_or_else(|panic| Err(broken(&*panic)));
        Input::Aborted { call, answer: answer.map_err(|error| mask.error(error)) }
    }

    async fn aborted(self) -> Result<(), StageError> {
        // A type that is gone has nothing under way in this process that could be stopped.
        let Some(stage) = self.stages.get(&self.stage_type) else { return Ok(()) };
        let progress = remembered(self.progress, &self.context).await?;
        stage.abort(self.context, self.config, progress).await
    }
}

/// In whose name a stage starts other runs.
fn caller(shop: &Shop, execution: &Execution, (call, identity): (Call, &Identity)) -> Caller {
    let recorded = execution.recorded();
    Caller {
        plan: execution.plan().clone(),
        node: call.node,
        identity: identity.clone(),
        label: execution.label(),
        actor: recorded.actor.clone(),
        ancestry: recorded.ancestry.clone(),
        parent: recorded.parent.clone(),
        children: shop.children.clone(),
        door: shop.door.clone(),
    }
}

fn services(
    shop: &Shop,
    caller: Caller,
    (environment, stop): (Option<String>, Arc<AtomicBool>),
) -> CallServices {
    let identity = caller.identity.clone();
    CallServices {
        backing: shop.backing.clone(),
        evaluator: shop.evaluator.clone(),
        stop,
        key: AttemptKey {
            run: identity.run,
            stage: identity.stage.clone(),
            attempt: identity.attempt,
        },
        standing: (caller.plan.clone(), caller.node),
        user: SecretUser { application: identity.application, environment },
        caller,
    }
}

async fn remembered(progress: Progress, context: &StepContext) -> Result<Value, StageError> {
    let name = match progress {
        Progress::Inline(value) => return Ok(value),
        Progress::Blob(name) => name,
    };
    let content = context.services.read(&name).await.map_err(|error| match error {
        ServiceError::Unavailable(_) => StageError::Error(error.to_string()),
        ServiceError::Missing(_) | ServiceError::Sealed(_) => StageError::Defect(error.to_string()),
    })?;
    serde_json::from_slice(&content)
        .map_err(|error| StageError::Defect(format!("the stored progress is damaged: {error}")))
}

/// Takes progress that is too large for an event out of the answer.
fn outlined(step: Step<Value>, services: &dyn engine_core::stage::Services) -> Answer {
    match step {
        Step::Done { outputs, records } => Ok(Step::Done { outputs, records }),
        Step::Wait { progress, wake, reason, mut records } => {
            let json = progress.to_string();
            let progress = if json.len() > INLINE_LIMIT {
                let name = services.name(json.as_bytes());
                records.push(Record::Blob { name: name.clone(), content: json.into_bytes() });
                Progress::Blob(name)
            } else {
                Progress::Inline(progress)
            };
            Ok(Step::Wait { progress, wake, reason, records })
        }
    }
}

fn broken(panic: &(dyn Any + Send)) -> StageError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("without words");
    StageError::Defect(format!("the stage type panicked: {text}; this is a fault of gennaker"))
}
