//! A pipeline as its author wrote it: what could be read of a file, and what is wrong with it.

mod bind;
mod bounds;
mod callees;
mod concurrency;
mod expressions;
mod images;
mod matrix;
mod needs;
mod parameters;
mod read;
mod stages;
mod triggers;
mod upstream;
mod warnings;
mod world;

pub use bind::{Bindings, Missing};
pub(crate) use bounds::more;
pub use callees::Callee;
pub(crate) use expressions::stages_read;
pub(crate) use images::Image;
pub(crate) use matrix::{Cells, Matrix};
pub(crate) use parameters::Parameter;
pub(crate) use world::{DEPLOYED, LAST_SUCCEEDED, WorldReads};

pub use crate::parameter::Given;
pub(crate) use triggers::Trigger;

use crate::{
    Registries, Registry,
    diagnostic::{Diagnostic, Span, in_file_order},
    files::{FileRequest, Step},
    language::{Content, Node},
    plan::{Callers, Cell, Environments, Need, OnFailure, Origin, Timeout},
    retry::Retry,
    stage::AnyStage,
    template::Template,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// How long a run may take unless its pipeline says otherwise.
const RUN_TIMEOUT_MS: u64 = 24 * 60 * 60 * 1_000;

/// One pipeline file. It may be broken: then it holds its faults, beside all that could be read,
/// so that compiling it tells what is wrong with the rest as well.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    name: Option<String>,
    application: Option<String>,
    /// Where the file says what is deployed.
    application_span: Span,
    description: Option<String>,
    labels: BTreeMap<String, String>,
    callers: Callers,
    timeout_ms: Option<u64>,
    group: concurrency::Group,
    parameters: Vec<Parameter>,
    /// What the parameters came to, once bound.
    values: BTreeMap<String, Value>,
    images: Vec<Image>,
    /// Keys of `images` that expressions of the file read.
    images_read: BTreeSet<String>,
    /// What the images came to, as far as that is known at a start.
    references: BTreeMap<String, Value>,
    /// What references stand for, as far as registries were asked.
    digests: BTreeMap<String, String>,
    /// The commit that it is of, once bound.
    origin: Option<Origin>,
    triggers: Vec<Trigger>,
    stages: Vec<Stage>,
    faults: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// A stage, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) span: Span,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) needs: Vec<PlacedNeed>,
    /// A condition and its place.
    pub(crate) when: Option<(String, Span)>,
    pub(crate) environment: Written<Template>,
    /// As it was written, until its cells are stages of their own.
    pub(crate) matrix: Option<Matrix>,
    pub(crate) cell: Option<Cell>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) retry: Retry,
    pub(crate) on_failure: OnFailure,
    /// Exactly one, unless a fault says otherwise.
    pub(crate) actions: Vec<Action>,
}

#[derive(Clone, Debug)]
pub(crate) struct PlacedNeed {
    pub(crate) need: Need,
    pub(crate) cells: Cells,
    pub(crate) span: Span,
}

/// What a stage does.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) stage_type: String,
    pub(crate) key_span: Span,
    pub(crate) node: Arc<Node>,
    pub(crate) config: Config,
}

#[derive(Clone, Debug)]
pub(crate) enum Config {
    /// It fits its schema, as far as it is known.
    Sound(Template),
    /// A fault of it was told.
    Faulty,
}

/// A key that may be left out.
#[derive(Clone, Debug)]
pub(crate) enum Written<T> {
    Absent,
    /// A fault of it was told.
    Faulty,
    Present(T, Span),
}

impl Pipeline {
    /// The name, if it could be read.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The application: the name, unless the file says otherwise.
    pub fn application(&self) -> Option<&str> {
        self.application.as_deref().or(self.name())
    }

    pub(crate) fn application_span(&self) -> Span {
        self.application_span
    }

    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// What is wrong with the file by itself, in its order. Compiling tells these and more.
    pub fn faults(&self) -> &[Diagnostic] {
        &self.faults
    }

    /// What becomes a plan and is probably not meant, in the order of the file. Some of it hangs on
    /// what the environments are, which is told of a pipeline that is bound.
    pub fn warnings(&self, environments: &Environments) -> Vec<Diagnostic> {
        in_file_order(self.warnings.iter().cloned().chain(self.unasked(environments)).collect())
    }

    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// Whose stages may start it.
    pub fn callers(&self) -> &Callers {
        &self.callers
    }

    pub(crate) fn timeout(&self) -> Timeout {
        Timeout::AfterMs(self.timeout_ms.unwrap_or(RUN_TIMEOUT_MS))
    }

    /// What the parameters came to, once bound.
    pub fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub fn references(&self) -> &BTreeMap<String, Value> {
        &self.references
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The files that the stages want to read, each pattern once. They are to be read, and handed
    /// to the compilation.
    pub fn files(&self, registries: &Registries) -> Vec<FileRequest> {
        let mut seen = HashSet::new();
        let actions = self.stages.iter().flat_map(|stage| &stage.actions);
        let requests = actions.flat_map(|action| action.files(&registries.stages));
        requests.filter(|request| seen.insert(request.pattern.clone())).collect()
    }
}

impl Pipeline {
    /// The names of the secrets that the stages use.
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for action in self.stages.iter().flat_map(|stage| &stage.actions) {
            if let Config::Sound(config) = &action.config {
                names.extend(config.secrets().into_iter().map(|secret| secret.name.to_owned()));
            }
        }
        names
    }
}

impl Stage {
    /// Takes everything away that would have to be evaluated; the fault that led here was told.
    fn forget_expressions(&mut self) {
        self.when = None;
        self.environment = Written::Faulty;
        self.matrix = None;
        self.actions.iter_mut().for_each(|action| {
            action.node = Arc::new(Node { span: action.key_span, content: Content::Told });
            action.config = Config::Faulty;
        });
    }
}

impl Action {
    /// The files it asks for; none if its configuration is at fault, which is told elsewhere.
    pub(crate) fn files(&self, registry: &Registry<dyn AnyStage>) -> Vec<FileRequest> {
        match (&self.config, registry.get(&self.stage_type)) {
            (Config::Sound(config), Some(stage)) => {
                // A value that is not known yet may keep the whole from being decoded.
                let files = stage.files(&config.rendered());
                files.or_else(|_| stage.files(&config.closed())).unwrap_or_default()
            }
            (Config::Sound(_), None) | (Config::Faulty, _) => Vec::new(),
        }
    }

    /// The place of a value in the configuration, or of the nearest value around it.
    pub(crate) fn value_span(&self, place: &[Step]) -> Span {
        self.spans(place).1
    }

    /// The place of the key under which the value stands.
    pub(crate) fn key_span(&self, place: &[Step]) -> Span {
        self.spans(place).0
    }

    fn spans(&self, place: &[Step]) -> (Span, Span) {
        spans((self.key_span, &self.node), place)
    }
}

/// The key and the value at a place within `node`, or those of the nearest value around it.
fn spans((mut key, mut node): (Span, &Arc<Node>), place: &[Step]) -> (Span, Span) {
    for step in place {
        let found = match step {
            Step::Key(name) => node.entry(name).map(|entry| (entry.key.span, &entry.value)),
            Step::Index(index) => node.items().get(*index).map(|item| (item.span, item)),
        };
        let Some((next_key, next)) = found else { break };
        (key, node) = (next_key, next);
    }
    match node.content {
        Content::Scalar { .. } | Content::Told => (key, node.span),
        Content::List(_) | Content::Map(_) => (key, key),
    }
}
