//! What people say to runs and stages: judged first, then recorded as an input.

use super::{Engine, NewRun, StartError};
use crate::{driver::Masking, reader::ReadError, supervisor::Order};
use engine_core::{
    Execution, Plan,
    event::{Actor, Force, Gate, Message, Rejected, Reply, RunAct, Signal, Signalled},
    execution::state::NodeState,
    id::RunId,
    plan::NodeIndex,
    platform::Case,
    stage::{Asked, Refusal},
    status::RunStatus,
    store::{Request, StoreError, Submitted},
};
use serde_json::Value;

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// Whoever acts lacks the right.
    #[error("{0}")]
    NotAllowed(String),
    #[error(transparent)]
    NotTaken(#[from] Rejected),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    #[error("the run has ended {status}; there is nothing to answer")]
    Ended { status: RunStatus },
    #[error("{reason}")]
    Refused { reason: String },
    /// What they say is not what is asked for.
    #[error("{reason}")]
    Unfit { reason: String },
    #[error(transparent)]
    Act(#[from] ActError),
}

impl Engine {
    /// Records what a person says to a whole run, unless it would not be taken. Durable when this
    /// answers; repeating `key` records nothing more.
    pub async fn act(
        &self,
        run: RunId,
        (act, actor, reason): (RunAct, Actor, String),
        key: String,
    ) -> Result<(), ActError> {
        let execution = self.reader().execution(run).await?;
        execution.admits(act)?;
        let actor = self.platform.now().person(actor);
        self.may_run(&actor, execution.plan()).map_err(ActError::NotAllowed)?;
        let message = match act {
            RunAct::Cancel => Message::Cancel { actor, reason, force: Force::No },
            RunAct::ForceCancel => Message::Cancel { actor, reason, force: Force::Yes },
            RunAct::Pause => Message::Pause { actor, reason },
            RunAct::Resume => Message::Resume { actor, reason },
            RunAct::Yes => Message::Answer { reply: Reply::Yes, actor, reason },
            RunAct::No => Message::Answer { reply: Reply::No, actor, reason },
        };
        self.submit(run, message, key).await
    }

    /// Records what a person says to a stage that waits for one, unless it would not be taken:
    /// then the refusal says why. Durable when this answers; repeating `key` records nothing more.
    pub async fn signal(
        &self,
        run: RunId,
        (stage, mut signalled): (String, Signalled),
        key: String,
    ) -> Result<(), SignalError> {
        signalled.actor = self.platform.now().person(signalled.actor);
        let execution = self.reader().execution(run).await.map_err(ActError::from)?;
        if execution.recorded().status().has_ended() {
            return Err(SignalError::Ended { status: execution.recorded().status() });
        }
        let index = execution.answered(&stage, &signalled).map_err(ActError::from)?;
        match signalled.signal {
            // Who may answer an approval is the stage's to judge.
            Signal::Approve | Signal::Reject => {}
            Signal::Retry
            | Signal::Continue
            | Signal::Abort
            | Signal::RollBack
            | Signal::Yes
            | Signal::No => {
                let may = self.may_run(&signalled.actor, execution.plan());
                may.map_err(|reason| SignalError::Refused { reason })?;
            }
        }
        match self.refusal(&execution, index, &signalled) {
            Refusal::None => {}
            Refusal::Because(reason) => return Err(SignalError::Refused { reason }),
            Refusal::Unfit(reason) => return Err(SignalError::Unfit { reason }),
        }
        self.betrays_nothing(execution.plan(), &signalled).await?;
        Ok(self.submit(run, Message::Signal { stage, signalled }, key).await?)
    }

    /// Refuses to write down what is known to be secret: inputs are shown to everybody.
    async fn betrays_nothing(&self, plan: &Plan, answer: &Signalled) -> Result<(), SignalError> {
        if answer.inputs.is_empty() {
            return Ok(());
        }
        let mask = Masking::new(&self.shop, plan).learned().await;
        let betrays = |(_, value): &(&String, &Value)| mask.value((*value).clone()) != **value;
        match answer.inputs.iter().find(betrays) {
            None => Ok(()),
            Some((id, _)) => {
                let reason = format!(
                    "input `{id}` holds the value of a secret, and inputs are kept and shown"
                );
                Err(SignalError::Unfit { reason })
            }
        }
    }

    /// Ends a run whose pipeline is there no more, unless a stage of it has begun. Durable when this
    /// answers.
    pub async fn withdraw(&self, run: RunId, because: String) -> Result<(), ActError> {
        Ok(self.starting.withdraw(run, because).await?)
    }

    /// Who starts a run: the person behind the account, who must hold the right to.
    pub(super) fn allowed(&self, new: NewRun) -> Result<NewRun, StartError> {
        if self.is_leaving() {
            return Err(StartError::Leaving);
        }
        let actor = self.platform.now().person(new.actor);
        self.may_run(&actor, &new.plan).map_err(StartError::NotAllowed)?;
        Ok(NewRun { actor, ..new })
    }

    /// Whether somebody may start runs of a plan and say what is to become of them.
    fn may_run(&self, actor: &Actor, plan: &Plan) -> Result<(), String> {
        self.starting.may_run(actor, plan)
    }

    async fn submit(&self, run: RunId, message: Message, key: String) -> Result<(), ActError> {
        let at = self.shop.backing.clock.now();
        match self.shop.backing.store.submit(Request { run, key, message, at }).await? {
            Submitted::NoRun => Err(ReadError::NoRun(run).into()),
            Submitted::Written(_) | Submitted::Repeated(_) => {
                self.supervisor.order(Order::Wake(vec![run]));
                Ok(())
            }
        }
    }

    /// Whether the stage's own type takes the answer. What is held takes anybody's.
    fn refusal(&self, execution: &Execution, index: NodeIndex, answer: &Signalled) -> Refusal {
        let attempt = match execution.node_state(index) {
            NodeState::Running(attempt) => attempt,
            NodeState::Gated { gate: Gate::Asked { .. }, .. } => {
                let case = execution.case_of(index);
                let refusal = |case: Case| case.refusal(&self.platform.now(), answer);
                return case.map_or(Refusal::None, refusal);
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. }
            | NodeState::Ended(_) => return Refusal::None,
        };
        let node = execution.plan().node(index);
        let config = attempt.config.clone().unwrap_or_else(|| node.config.rendered());
        let starter = &execution.recorded().actor;
        let environments: Vec<String> =
            execution.plan().environments_downstream(index).into_iter().collect();
        let asked = Asked {
            starter,
            signals: &attempt.signals,
            application: &execution.plan().document().application,
            environments: &environments,
        };
        match self.shop.stages.get(&node.stage_type) {
            Some(stage) => stage.refusal(&config, &asked, answer),
            None => Refusal::Because(format!("stage type `{}` is not known", node.stage_type)),
        }
    }
}
