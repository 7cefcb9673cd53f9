//! From one stage to one node, with the faults that only its type, its environment or its files
//! can show.

use super::{
    Environments, UnknownEnvironment,
    asked::Asked,
    files::{Pinned, Read},
};
use crate::{
    Registry,
    diagnostic::{Code, Diagnostic, Span, quoted},
    files::{Files, Step},
    pipeline::{Action, Config, Image, Pipeline, Stage, WorldReads, Written, stages_read},
    plan::{Effect, Node, OnFailure, Place, Timeout},
    platform::Leave,
    stage::{AnyStage, EnvironmentUse, Fault, FaultCode},
    template::Template,
};
use std::collections::{BTreeMap, BTreeSet};

/// The key of a deploy under which image references stand.
const IMAGES: &str = "images";

/// Makes nodes, and remembers what only all of them together can show.
pub(super) struct Compiler<'a> {
    pub(super) environments: &'a Environments,
    application: &'a str,
    pub(super) registry: &'a Registry<dyn AnyStage>,
    pub(super) files: &'a Files,
    pub(super) read: Read,
    pub(super) asked: Asked,
    /// Those of the whole pipeline.
    pub(super) images: &'a [Image],
    /// Keys of `images` that some stage has a use for.
    pub(super) images_used: BTreeSet<String>,
    pub(super) judged: Judged,
    /// Who deploys which component, by environment.
    components: BTreeMap<(String, String), (String, Span)>,
    pub(super) places: BTreeMap<String, Place>,
    /// Where expressions read what is deployed.
    pub(super) observed: BTreeMap<String, Place>,
    pub(super) faults: Vec<Diagnostic>,
}

/// Whether every stage could be asked what it makes of the pipeline's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    All,
    NotAll,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        (environments, pipeline): (&'a Environments, &'a Pipeline),
        registry: &'a Registry<dyn AnyStage>,
        files: &'a Files,
    ) -> Compiler<'a> {
        Compiler {
            application: pipeline.application().unwrap_or_default(),
            images: pipeline.images(),
            images_used: BTreeSet::new(),
            judged: Judged::All,
            environments,
            registry,
            files,
            read: Read::default(),
            asked: Asked::default(),
            components: BTreeMap::new(),
            places: BTreeMap::new(),
            observed: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// The node of a stage; none if a fault stands against it.
    pub(super) fn node(&mut self, stage: &Stage) -> Option<Node> {
        let environment = self.environment(stage);
        let mut node = None;
        for action in &stage.actions {
            node = self.action(stage, action, environment.as_deref());
        }
        node
    }

    /// Pins the environments of which expressions read what is deployed there.
    fn observe(&mut self, stage: &Stage, (action, config): (&Action, &Template)) {
        let when = stage.when.iter().map(|(source, span)| (source.as_str(), *span));
        let own = config.expressions().into_iter();
        let own: Vec<(&str, Span)> =
            own.map(|it| (it.source, action.value_span(&it.place))).chain(when).collect();
        for (source, span) in own {
            for name in WorldReads::of([source].into_iter()).deployed {
                match self.environments.place(&name, self.application) {
                    Ok(place) => drop(self.observed.insert(name, place)),
                    Err(unknown) => {
                        let fault = no_environment(&unknown, (&name, span));
                        // Such a text is looked up, and is no environment's own name.
                        let code = match fault.code {
                            Code::E016 => Code::E007,
                            code => code,
                        };
                        self.faults.push(Diagnostic { code, ..fault });
                    }
                }
            }
        }
    }

    /// The name of the stage's environment, after it has been placed.
    fn environment(&mut self, stage: &Stage) -> Option<String> {
        let (name, span) = match stage.environment.known() {
            Written::Present(name, span) => (name, span),
            Written::Absent | Written::Faulty => return None,
        };
        match self.environments.place(&name, self.application) {
            Ok(place) => {
                self.places.insert(name.clone(), place);
                Some(name)
            }
            Err(unknown) => {
                self.faults.push(no_environment(&unknown, (&name, span)));
                None
            }
        }
    }

    fn action(
        &mut self,
        stage: &Stage,
        action: &Action,
        environment: Option<&str>,
    ) -> Option<Node> {
        let Some(implementation) = self.registry.get(&action.stage_type) else {
            let message = format!("unknown key {}", quoted(&action.stage_type));
            self.faults.push(Diagnostic::error(Code::E001, action.key_span, message));
            return None;
        };
        self.check_environment(stage, action, implementation);
        let config = match &action.config {
            Config::Sound(config) => config,
            Config::Faulty => {
                self.judged = Judged::NotAll;
                return None;
            }
        };
        let pinned = self.pin(action)?;
        if !pinned.missing.is_empty() {
            self.judged = Judged::NotAll;
        }
        self.check_secrets((action, config), environment);
        self.observe(stage, (action, config));
        let config = &self.with_images((implementation, action), config, &pinned)?;
        let rendered = config.rendered();
        // A value that is not known yet may keep the whole from being decoded.
        let judged = match implementation.files(&rendered) {
            Ok(_) => rendered.clone(),
            Err(_) => config.closed(),
        };
        let found = self.judged((implementation, action), &judged, &pinned)?;
        self.check((action, config), found, &pinned.missing);
        if let (Some(environment), Some(component)) =
            (environment, implementation.component(&judged))
        {
            if component.contains("${{") {
                let message = "the component must be known when the run starts";
                self.faults.push(Diagnostic::error(Code::E005, action.key_span, message));
            }
            self.claim(stage, action, (environment.to_owned(), component));
        }
        let environment = environment.map(str::to_owned);
        Some(node((stage, environment), implementation, (action, config), pinned))
    }

    /// The configuration with those images of the pipeline that the stage has a use for.
    fn with_images(
        &mut self,
        (implementation, action): (&dyn AnyStage, &Action),
        config: &Template,
        pinned: &Pinned,
    ) -> Option<Template> {
        let mut config = config.clone();
        if self.images.is_empty() {
            return Some(config);
        }
        let preview = config.preview();
        let preview = match implementation.files(&preview) {
            Ok(_) => preview,
            Err(_) => config.closed(),
        };
        for key in self.useful((implementation, action), preview, pinned)? {
            if let Some(image) = self.images.iter().find(|image| image.key == key) {
                config.put_missing(IMAGES, &key, image.reference.clone());
            }
            self.images_used.insert(key);
        }
        Some(config)
    }

    fn check_environment(&mut self, stage: &Stage, action: &Action, implementation: &dyn AnyStage) {
        match (implementation.traits().environment, &stage.environment) {
            (EnvironmentUse::Required, Written::Absent) => {
                let action_type = &action.stage_type;
                let message = format!("stage {} lacks `environment`", quoted(&stage.id));
                let fault = Diagnostic::error(Code::E016, action.key_span, message)
                    .label(format!("`{action_type}` must know where it acts"))
                    .help("name the namespace: `environment: staging`");
                self.faults.push(fault);
            }
            (EnvironmentUse::Required, Written::Present(..) | Written::Faulty)
            | (EnvironmentUse::Optional, _) => {}
        }
    }

    fn check_secrets(&mut self, (action, config): (&Action, &Template), environment: Option<&str>) {
        for secret in config.secrets() {
            let by = (self.application, environment);
            if self.environments.secret(secret.name, by) == Leave::Refused {
                let whom = environment.map_or(self.application.to_owned(), |environment| {
                    format!("{} in {environment}", self.application)
                });
                let message = format!("secret {} is not granted to {whom}", quoted(secret.name));
                let fault =
                    Diagnostic::error(Code::E019, action.value_span(&secret.place), message);
                self.faults
                    .push(fault.help("`secrets.grants` of gennaker.yaml says who may use it"));
                continue;
            }
            if let Some(lacking) = self.environments.lacking(secret.name) {
                let span = action.value_span(&secret.place);
                let message = format!("there is no secret {}", quoted(secret.name));
                self.faults.push(Diagnostic::error(Code::E007, span, message).help(lacking));
            }
        }
    }

    /// Tells what a stage type found, but for files of which it was told that they are missing.
    fn check(
        &mut self,
        (action, config): (&Action, &Template),
        found: Vec<Fault>,
        missing: &[Span],
    ) {
        // What hangs on a value that is not known yet is judged by the step.
        let open = config.expressions();
        let is_open = |fault: &Fault| match fault.code {
            FaultCode::Format | FaultCode::Value | FaultCode::Unknown => {
                open.iter().any(|open| open.place.starts_with(&fault.place))
            }
            FaultCode::Manifest | FaultCode::Image | FaultCode::Expression => false,
        };
        let found = found.into_iter().filter(|fault| !is_open(fault));
        let found = found.map(|fault| self.diagnostic(action, fault));
        let is_told = |it: &Diagnostic| it.code == Code::E011 && missing.contains(&it.primary.span);
        let found: Vec<Diagnostic> = found.filter(|fault| !is_told(fault)).collect();
        self.faults.extend(found);
    }

    fn diagnostic(&self, action: &Action, fault: Fault) -> Diagnostic {
        let own = |key: &String| action.node.entry(IMAGES)?.value.entry(key);
        let shared = match fault.place.as_slice() {
            [Step::Key(images), Step::Key(key)] if images == IMAGES && own(key).is_none() => {
                self.images.iter().find(|image| image.key == *key)
            }
            _ => None,
        };
        let (key, value) = match shared {
            Some(image) => (image.key_span, image.span),
            None => (action.key_span(&fault.place), action.value_span(&fault.place)),
        };
        let span = match fault.code {
            FaultCode::Format
            | FaultCode::Manifest
            | FaultCode::Value
            | FaultCode::Unknown
            | FaultCode::Expression => value,
            FaultCode::Image => key,
        };
        Diagnostic::error(fault.code.code(), span, fault.message).maybe_help(fault.help)
    }

    fn claim(&mut self, stage: &Stage, action: &Action, key: (String, String)) {
        let span = action.key_span;
        let Some((other, first)) = self.components.get(&key) else {
            self.components.insert(key, (stage.id.clone(), span));
            return;
        };
        let (environment, component) = (quoted(&key.0), quoted(&key.1));
        let message = format!(
            "stages {} and {} deploy component {component} to {environment}",
            quoted(other),
            quoted(&stage.id),
        );
        let fault = Diagnostic::error(Code::E018, span, message)
            .label("the second")
            .also(*first, "the first")
            .help("give one of them another `component`");
        self.faults.push(fault);
    }
}

fn node(
    (stage, environment): (&Stage, Option<String>),
    implementation: &dyn AnyStage,
    (action, config): (&Action, &Template),
    pinned: Pinned,
) -> Node {
    let traits = implementation.traits();
    let open = config.expressions();
    let when = stage.when.as_ref().map(|(source, _)| source.clone());
    let sources = open.iter().map(|it| it.source).chain(when.as_deref());
    let reads = stages_read(sources);
    let has_place = environment.is_some();
    Node {
        id: stage.id.clone(),
        name: stage.name.clone().unwrap_or_else(|| stage.id.clone()),
        description: stage.description.clone(),
        stage_type: action.stage_type.clone(),
        needs: stage.needs.iter().map(|placed| placed.need.clone()).collect(),
        reads,
        matrix: stage.cell.clone(),
        when,
        environment,
        timeout: stage.timeout_ms.map_or(traits.default_timeout, Timeout::AfterMs),
        retry: stage.retry.clone(),
        on_failure: stage.on_failure,
        on_timeout: implementation.on_timeout(&config.closed()),
        effect: effect(stage.on_failure, (traits.effect, has_place)),
        config: config.clone(),
        files: pinned.files,
        patterns: pinned.patterns,
    }
}

/// A stage that may take its environment back holds the target from its beginning.
fn effect(on_failure: OnFailure, (own, has_place): (Effect, bool)) -> Effect {
    match on_failure {
        OnFailure::Rollback if has_place => Effect::Writes,
        OnFailure::Rollback
        | OnFailure::Fail
        | OnFailure::Abort
        | OnFailure::Continue
        | OnFailure::Hold => own,
    }
}

fn no_environment(unknown: &UnknownEnvironment, (name, span): (&str, Span)) -> Diagnostic {
    let name = quoted(name);
    let (code, message) = match unknown {
        UnknownEnvironment::Unnamed { .. } | UnknownEnvironment::NoCluster { .. } => {
            (Code::E007, format!("{name} is no environment"))
        }
        UnknownEnvironment::NoNamespace | UnknownEnvironment::BadNamespace { .. } => {
            (Code::E016, format!("{name} is no environment"))
        }
        UnknownEnvironment::NotGranted { .. } => {
            (Code::E019, format!("environment {name} is not granted to this repository"))
        }
    };
    Diagnostic::error(code, span, message).help(unknown.to_string())
}
