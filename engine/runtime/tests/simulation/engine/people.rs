//! What people say to the runs of a storm.

use super::{Storm, guard, judge::facts_of, somebody};
use crate::script;
use engine_core::{
    Execution,
    event::{Event, Gate, RunAct, Seen, Signal, Signalled},
    execution::state::NodeState,
    id::RunId,
    plan::{Node, NodeIndex},
    store::Summary,
};

impl Storm {
    pub(super) async fn cancel(&mut self) {
        let runs: Vec<RunId> = self.runs().await.iter().map(|summary| summary.run).collect();
        if runs.is_empty() {
            return;
        }
        let run = self.chance.pick(&runs);
        let engine = self.engine.as_ref().unwrap();
        if self.chance.one_in(3) {
            // What has begun is not touched by that.
            for run in runs {
                let _ended = engine.withdraw(run, "its file is gone".to_owned()).await;
            }
            return;
        }
        for _twice in 0..2 {
            let act = self.chance.pick(&[RunAct::Cancel, RunAct::ForceCancel]);
            let said = (act, somebody(), "storm".to_owned());
            let _ended = engine.act(run, said, run.to_string()).await;
        }
    }

    pub(super) async fn pause(&mut self) {
        if let Some(Summary { run, .. }) = self.runs().await.last() {
            let said = (RunAct::Pause, somebody(), String::new());
            let key = format!("pause {}", self.chance.below(1_000_000));
            let _taken = self.engine.as_ref().unwrap().act(*run, said, key).await;
        }
    }

    async fn say_to_all(&self, execution: &Execution, row: u64) {
        let (engine, run) = (self.engine.as_ref().unwrap(), execution.recorded().id);
        let reply = if row.is_multiple_of(4) { RunAct::No } else { RunAct::Yes };
        for act in [RunAct::Resume, reply] {
            if execution.admits(act).is_ok() {
                let key = format!("{} after row {row}", act.word());
                let _taken = engine.act(run, (act, somebody(), String::new()), key).await;
            }
        }
    }

    /// People answer whatever asks, and let what is paused go on.
    pub(super) async fn say(&self) {
        let engine = self.engine.as_ref().unwrap();
        let reader = engine.reader();
        for gate in reader.unfinished().await.unwrap() {
            let run = gate.summary.run;
            let execution = reader.execution(run).await.unwrap();
            self.say_to_all(&execution, gate.next).await;
            let facts = facts_of(&self.memory, run).await;
            for (index, node) in execution.plan().nodes().iter().enumerate() {
                let retried = |event: &Event| match event {
                    Event::StageSignalled {
                        stage,
                        signal: Signal::Retry | Signal::RollBack,
                        ..
                    } => *stage == node.id,
                    _ => false,
                };
                let retries = facts.iter().filter(|(event, _)| retried(event)).count();
                let state = execution.node_state(NodeIndex(index));
                if let Some(signal) = script::answer(node, state, retries) {
                    let signal = guard::opinion(state, (signal, gate.next));
                    let signal = script::takes(&execution, &node.id, signal);
                    let reason = "because".to_owned();
                    let seen = Seen {
                        run: Some(run),
                        attempt: Some(state.attempts()),
                        plan: Some(execution.recorded().plan.clone()),
                    };
                    let signalled = Signalled::new(signal, somebody(), reason);
                    let signalled = Signalled { seen, ..signalled };
                    let (tries, answers) = (state.attempts(), answers(&execution, (node, state)));
                    let key = format!("{}-{retries}-{tries}-{answers}-{}", node.id, signal.word());
                    // Somebody may have cancelled it, or answered before.
                    drop(engine.signal(run, (node.id.clone(), signalled), key).await);
                }
            }
        }
    }
}

/// How many answers an attempt has had: the next one is another.
fn answers(execution: &Execution, (node, state): (&Node, &NodeState)) -> usize {
    match state {
        NodeState::Running(attempt) => attempt.signals.len(),
        NodeState::Gated { gate: Gate::Asked { .. }, .. } => {
            let environment = node.environment.as_deref().unwrap_or_default();
            execution.recorded().ruled.answers.get(environment).map_or(0, Vec::len)
        }
        NodeState::Pending { .. }
        | NodeState::Gated { .. }
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Stopping { .. }
        | NodeState::Ended(_) => 0,
    }
}
