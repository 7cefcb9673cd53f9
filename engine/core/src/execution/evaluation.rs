//! What an evaluation is made of: expressions, and the values that they see. Handed out whole, so
//! that it can run wherever there is room for it.

use super::{
    Execution,
    state::{End, Ended, NodeState},
};
use crate::{
    clock::Civil,
    event::{Call, Evaluated, Gate},
    expression::{evaluate, remembering, told},
    id::RunId,
    pipeline::{DEPLOYED, LAST_SUCCEEDED, WorldReads},
    plan::{Node, NodeIndex, Origin},
    revision::{Live, Target},
    status::StageStatus,
    template::{Scope, Template},
    wording,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A configuration above this size, in bytes of JSON, fails its stage: it would not fit an event.
const CONFIGURATION_LIMIT: usize = 48 * 1024;

/// One evaluation, with everything it needs. Running it is pure, and bounded in time and memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    what: What,
    scope: Scope,
    wants: Wants,
}

/// What an evaluation reads that only the store knows. It is read before, and told by
/// [`Evaluation::knowing`]: what cannot be read makes the evaluation fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wants {
    /// By environment; none stands for a target whose cluster nobody has asked.
    pub deployed: BTreeMap<String, Option<Target>>,
    pub last_succeeded: Wanted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    No,
    Yes,
}

/// What is known of the world. Of what is not there nothing stands in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// By environment, of those in which something is deployed.
    pub deployed: BTreeMap<String, Live>,
    pub last_succeeded: Option<LastSucceeded>,
}

/// The newest run of a pipeline that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct LastSucceeded {
    pub run: RunId,
    pub number: u64,
    pub started_at: Civil,
    pub parameters: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    When(String),
    /// A condition of a step, and the key under which it stands.
    Condition {
        key: String,
        source: String,
    },
    Configuration(Template),
}

impl Execution {
    /// What `call` is to evaluate, as long as it is the one under way.
    pub fn evaluation(&self, call: Call) -> Option<Evaluation> {
        let node = self.plan.nodes().get(call.node.0)?;
        let NodeState::Gated { gate, .. } = self.node_state(call.node) else { return None };
        let what = match gate {
            Gate::When => What::When(node.when.clone()?),
            Gate::Configuration => What::Configuration(node.config.clone()),
            Gate::Rules
            | Gate::Asked { .. }
            | Gate::Frozen { .. }
            | Gate::Unmet { .. }
            | Gate::Target { .. }
            | Gate::Parallel
            | Gate::Paused { .. } => return None,
        };
        let wants = self.wants(&what);
        Some(Evaluation { what, scope: self.scope(node), wants })
    }

    fn wants(&self, what: &What) -> Wants {
        let reads = match what {
            What::When(source) | What::Condition { source, .. } => {
                WorldReads::of([source.as_str()].into_iter())
            }
            What::Configuration(template) => {
                WorldReads::of(template.expressions().into_iter().map(|it| it.source))
            }
        };
        let target = |name: String| (name.clone(), self.plan.observed(&name));
        Wants {
            deployed: reads.deployed.into_iter().map(target).collect(),
            last_succeeded: if reads.last_succeeded { Wanted::Yes } else { Wanted::No },
        }
    }

    fn scope(&self, node: &Node) -> Scope {
        let (recorded, document) = (&self.recorded, self.plan.document());
        let mut scope = Scope::new();
        let mut add = |name: &str, value: Value| drop(scope.insert(name.to_owned(), value));
        add("parameters", json!(document.parameters));
        add("images", json!(document.images));
        add("application", json!({"name": document.application, "labels": document.labels}));
        add("trigger", recorded.trigger.value(&recorded.actor.name));
        add("source", document.origin.as_ref().map_or_else(|| json!({}), Origin::value));
        add(
            "run",
            json!({
                "id": recorded.id.to_string(),
                "number": recorded.number,
                "startedAt": wording::instant(recorded.started_at.civil),
            }),
        );
        add("stages", self.ends(node));
        if let Some(cell) = &node.matrix {
            add("matrix", json!(cell.values));
        }
        if let (Some(place), Some(name)) = (self.plan.place(node), &node.environment) {
            let environment = json!({
                "name": name,
                "cluster": place.cluster,
                "namespace": place.namespace,
                "labels": place.labels,
                "production": place.production,
            });
            add("environment", environment);
        }
        scope
    }

    /// The stages that the node reads. They are upstream, and so have ended.
    fn ends(&self, node: &Node) -> Value {
        let mut stages = Map::new();
        for id in &node.reads {
            let end = match self.plan.graph().index(id) {
                Some(index) => {
                    let (state, outputs) = (self.node_state(index), self.outputs(index));
                    json!({"status": state.status().word(), "outputs": outputs})
                }
                None => self.cells(id),
            };
            stages.insert(id.clone(), end);
        }
        Value::Object(stages)
    }

    /// A stage with a matrix: its worst status, and its outputs by node.
    fn cells(&self, stage: &str) -> Value {
        let cells = self.plan.graph().cells(stage);
        let of = |index: &NodeIndex| (self.plan.node(*index).id.clone(), self.outputs(*index));
        let outputs: Map<String, Value> = cells.iter().map(of).collect();
        let status = self.recorded.worst(cells).map_or("omitted", StageStatus::word);
        json!({"status": status, "outputs": outputs})
    }

    fn outputs(&self, index: NodeIndex) -> Value {
        match self.node_state(index) {
            NodeState::Ended(Ended { end: End::Succeeded { outputs, .. }, .. }) => {
                Value::Object(outputs.clone())
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. }
            | NodeState::Ended(_) => json!({}),
        }
    }
}

impl Evaluation {
    /// A condition under `key` in a stage's configuration, over what its step has seen.
    pub fn condition(key: &str, source: &str, scope: Scope) -> Evaluation {
        let (key, source) = (key.to_owned(), source.to_owned());
        Evaluation { what: What::Condition { key, source }, scope, wants: Wants::default() }
    }

    /// What is to be read before it is run.
    pub fn wants(&self) -> &Wants {
        &self.wants
    }

    /// The same, with what was read for [`Evaluation::wants`].
    #[must_use]
    pub fn knowing(mut self, world: &World) -> Evaluation {
        if !self.wants.deployed.is_empty() {
            let of = |name: &String| {
                let live = world.deployed.get(name);
                let told = |live: &Live| json!({"revision": live.revision, "images": live.images});
                (name.clone(), live.map_or_else(|| json!({}), told))
            };
            let deployed: Map<String, Value> = self.wants.deployed.keys().map(of).collect();
            self.scope.insert(DEPLOYED.to_owned(), Value::Object(deployed));
        }
        match (self.wants.last_succeeded, &world.last_succeeded) {
            (Wanted::No, _) => {}
            (Wanted::Yes, last) => {
                let told = last.as_ref().map_or_else(|| json!({}), LastSucceeded::told);
                self.scope.insert(LAST_SUCCEEDED.to_owned(), told);
            }
        }
        self
    }

    /// Takes up to some tens of milliseconds, and a large stack of its own.
    pub fn run(&self) -> Evaluated {
        remembering(|| self.run_now())
    }

    fn run_now(&self) -> Evaluated {
        match &self.what {
            What::When(source) => self.holds("when", source),
            What::Condition { key, source } => self.holds(key, source),
            What::Configuration(template) => match template.bind(&self.scope) {
                Err(error) => Evaluated::Broken(error.to_string()),
                Ok(config) => bounded(config),
            },
        }
    }

    fn holds(&self, key: &str, source: &str) -> Evaluated {
        match evaluate(source, &self.scope) {
            Ok(Value::Bool(true)) => Evaluated::Holds,
            Ok(Value::Bool(false)) => {
                let saw = told(source, &self.scope);
                let because = match saw.as_str() {
                    "" => format!("`{key}: {source}` is false"),
                    saw => format!("`{key}: {source}` is false: {saw}"),
                };
                Evaluated::Skips { because }
            }
            Ok(_) => Evaluated::Broken(format!("`{key}: {source}` is neither true nor false")),
            Err(error) => Evaluated::Broken(format!("`{key}` of the stage: {error}")),
        }
    }
}

impl LastSucceeded {
    fn told(&self) -> Value {
        json!({
            "id": self.run.to_string(),
            "number": self.number,
            "startedAt": wording::instant(self.started_at),
            "parameters": self.parameters,
        })
    }
}

fn bounded(config: Value) -> Evaluated {
    let size = serde_json::to_vec(&config).map_or(usize::MAX, |json| json.len());
    if size > CONFIGURATION_LIMIT {
        let limit = CONFIGURATION_LIMIT;
        let message = format!("its configuration came to {size} bytes, at most {limit} may be");
        return Evaluated::Broken(message);
    }
    Evaluated::Bound(config)
}
