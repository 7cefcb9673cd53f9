//! What people say in a storm, at the right and at the wrong time.

use super::Storm;
use crate::script;
use engine_core::{
    event::{
        Actor, Event, Force, Input, InputRow, Message, Rejected, Reply, Seen, Signal, Signalled,
        Way,
    },
    execution::state::Phase,
    id::{InputId, PlanHash, RunId},
    plan::NodeIndex,
};

fn somebody() -> Actor {
    Actor { name: "somebody".to_owned(), way: Way::CommandLine }
}

fn row(message: Message) -> Input {
    Input::Row(InputRow { id: InputId(3), message })
}

fn signal(stage: &str, (signal, seen): (Signal, Seen)) -> Input {
    let signalled = Signalled { seen, ..Signalled::new(signal, somebody(), "") };
    row(Message::Signal { stage: stage.to_owned(), signalled })
}

/// What somebody looked at that is there no more.
#[derive(Clone, Copy)]
enum Gone {
    Run,
    Plan,
    Attempt,
}

impl Storm {
    pub(super) fn cancel(&mut self) {
        let force = self.chance.pick(&[Force::No, Force::Yes]);
        self.hand_in(row(Message::Cancel { actor: somebody(), reason: String::new(), force }));
    }

    /// A person says whether a run goes on with which the engine died.
    pub(super) fn reply(&mut self) {
        let reply = if self.chance.one_in(6) { Reply::No } else { Reply::Yes };
        let asks = self.execution.recorded().question().is_some();
        let message = Message::Answer { reply, actor: somebody(), reason: String::new() };
        let answer = self.execution.handle(row(message), self.now);
        assert_eq!(answer.is_ok(), asks, "{answer:?}");
        self.record(answer.unwrap_or_default());
    }

    pub(super) fn pause(&mut self) {
        let message = Message::Pause { actor: somebody(), reason: String::new() };
        self.tell(message, Rejected::Paused);
    }

    pub(super) fn resume(&mut self) {
        let message = Message::Resume { actor: somebody(), reason: String::new() };
        self.tell(message, Rejected::NotPaused);
    }

    /// A pause and its end are each taken exactly when they make a difference.
    fn tell(&mut self, message: Message, refused: Rejected) {
        let fits = match (&self.execution.recorded().phase, &refused) {
            (Phase::Going, Rejected::Paused) | (Phase::Paused(_), Rejected::NotPaused) => None,
            (Phase::Stopping, _) => Some(Rejected::Stopping),
            (Phase::Going | Phase::Paused(_) | Phase::Ended { .. }, _) => Some(refused),
        };
        let answer = self.execution.handle(row(message), self.now);
        assert_eq!(answer.as_ref().err(), fits.as_ref());
        self.record(answer.unwrap_or_default());
    }

    /// A person answers what asks, and says to others what they do not take.
    pub(super) fn say(&mut self) {
        let plan = self.plan.clone();
        let index = usize::try_from(self.chance.below(plan.nodes().len() as u64)).unwrap();
        let (node, state) = (&plan.nodes()[index], self.execution.node_state(NodeIndex(index)));
        let right = script::answer(node, state, self.retries(&node.id));
        let any = [Signal::Approve, Signal::Reject, Signal::Retry, Signal::Continue, Signal::Abort];
        match right {
            Some(right) => {
                let right = script::takes(&self.execution, &node.id, right);
                self.answer_what_is_gone(&node.id, right);
                let seen = self.seen(&node.id);
                let input = signal(&node.id, (right, seen));
                let events = self.execution.handle(input, self.now).expect("it asked");
                self.record(events);
            }
            None => {
                let input = signal(&node.id, (self.chance.pick(&any), Seen::default()));
                let refused = self.execution.handle(input, self.now).is_err();
                assert!(refused, "{} takes an answer that it never asked for", node.id);
            }
        }
    }

    /// The right answer of somebody who looked at something else.
    fn answer_what_is_gone(&mut self, stage: &str, right: Signal) {
        let mut seen = self.seen(stage);
        let gone = self.chance.pick(&[Gone::Run, Gone::Plan, Gone::Attempt]);
        match gone {
            Gone::Run => seen.run = Some(RunId(uuid::Uuid::nil())),
            Gone::Plan => seen.plan = Some(PlanHash("another".to_owned())),
            Gone::Attempt => seen.attempt = seen.attempt.map(|attempt| attempt + 1),
        }
        let refused = self.execution.handle(signal(stage, (right, seen)), self.now);
        let fits = match (&refused, gone) {
            (Err(Rejected::OtherRun { .. }), Gone::Run)
            | (Err(Rejected::OtherPlan { .. }), Gone::Plan)
            | (Err(Rejected::AttemptPassed { .. }), Gone::Attempt) => true,
            (Ok(_) | Err(_), Gone::Run | Gone::Plan | Gone::Attempt) => false,
        };
        assert!(fits, "{stage} takes an answer to what is gone: {refused:?}");
    }

    /// Everything that can be seen of a stage, or some of it.
    fn seen(&mut self, stage: &str) -> Seen {
        let recorded = self.execution.recorded();
        let index = self.plan.graph().index(stage).expect("a stage of the plan");
        let whole = Seen {
            run: Some(recorded.id),
            attempt: Some(self.execution.node_state(index).attempts()),
            plan: Some(recorded.plan.clone()),
        };
        let attempt = Seen { attempt: whole.attempt, ..Seen::default() };
        self.chance.pick(&[whole, attempt])
    }

    /// How often a person has asked for another try of a stage, or for its way back.
    fn retries(&self, wanted: &str) -> usize {
        let is_retry = |event: &Event| match event {
            Event::StageSignalled { stage, signal: Signal::Retry | Signal::RollBack, .. } => {
                stage == wanted
            }
            _ => false,
        };
        self.facts.iter().filter(|(event, _)| is_retry(event)).count()
    }
}
