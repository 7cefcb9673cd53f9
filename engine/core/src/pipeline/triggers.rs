//! What starts a pipeline: one type each, and what its parameters get.

use super::{Config, Parameter, Pipeline, spans, stages::placed};
use crate::{
    Registries,
    catalogue::{Activity, TriggerOutline},
    diagnostic::{Code, Diagnostic, SourceFile, Span, quoted},
    language::{Entry, Node, Schemas, TriggerText, Walk, closest, decode},
    parameter::{Given, Matching},
    stage::{Condition, Fault},
    template::Template,
    trigger::{AnyMatcher, Home, Warning, WarningCode},
};
use serde_json::Value;
use std::sync::Arc;

/// No repository is called so: what hangs on where the file lies is not judged while it is only read.
const UNKNOWN_REPOSITORY: &str = "this repository";

/// The type of trigger that stands for people, who start every pipeline anyway.
const MANUAL: &str = "manual";

type Compiled = Result<Box<dyn AnyMatcher>, Vec<Fault>>;

/// An item of `triggers`.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    /// Exactly one, unless a fault says otherwise.
    pub(crate) kinds: Vec<Kind>,
    /// A condition and its place.
    pub(crate) when: Option<(String, Span)>,
    pub(crate) parameters: Vec<Handed>,
    pub(crate) activity: Activity,
}

/// What a trigger is of.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) trigger_type: String,
    pub(crate) key_span: Span,
    pub(crate) node: Arc<Node>,
    pub(crate) config: Config,
}

/// A value for a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Handed {
    pub(crate) id: String,
    pub(crate) key_span: Span,
    pub(crate) value: Template,
    pub(crate) span: Span,
}

pub(super) struct Reader<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) registries: &'a Registries,
    pub(super) schemas: &'a Schemas,
    pub(super) walk: &'a Walk<'a>,
    pub(super) faults: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn triggers(&mut self, root: &Node) -> Vec<Trigger> {
        let items = root.entry("triggers").into_iter().flat_map(|it| it.value.items());
        items.map(|item| self.trigger(item)).collect()
    }

    fn trigger(&mut self, item: &Arc<Node>) -> Trigger {
        let kinds = self.kinds(item);
        self.check_kinds(item, &kinds);
        let is_setting = |key: &str| self.registries.triggers.get(key).is_none();
        let text: TriggerText = decode(item, self.walk, is_setting).unwrap_or_else(|error| {
            let message = format!("a trigger cannot be read: {error}");
            self.faults.push(Diagnostic::error(Code::E016, item.span, message));
            TriggerText::default()
        });
        let when = match (item.entry("when"), text.when) {
            (Some(entry), Some(Condition::Unbound(source))) => Some((source, entry.value.span)),
            (_, Some(Condition::Bound { .. })) | (None, _) | (_, None) => None,
        };
        let activity = if text.enabled { Activity::Enabled } else { Activity::Disabled };
        Trigger { kinds, when, parameters: self.handed(item), activity }
    }

    fn kinds(&self, item: &Node) -> Vec<Kind> {
        let is_kind = |entry: &&Entry| self.registries.triggers.get(&entry.key.text).is_some();
        let kind = |entry: &Entry| Kind {
            trigger_type: entry.key.text.to_string(),
            key_span: entry.key.span,
            node: Arc::clone(&entry.value),
            config: match self.walk.is_sound(&entry.value) {
                true => Config::Sound(Template::literal(&entry.value.value())),
                false => Config::Faulty,
            },
        };
        item.entries().iter().filter(is_kind).map(kind).collect()
    }

    /// An unknown key may have been meant as the type, and is told as such.
    fn check_kinds(&mut self, item: &Node, kinds: &[Kind]) {
        let names: Vec<String> = self.registries.triggers.names().map(quoted).collect();
        let help = format!("a trigger has exactly one of {}", names.join(", "));
        let is_known = |entry: &Entry| self.schemas.is_trigger_key(&entry.key.text);
        let fault = match kinds {
            [_] => return,
            [] if !self.walk.is_sound(item) && !item.entries().iter().all(is_known) => return,
            [] if item.entries().is_empty() && !self.walk.is_sound(item) => return,
            [] => Diagnostic::error(Code::E014, item.span, "a trigger has no type").help(help),
            [first, second, ..] => {
                let named = kinds.iter().map(|kind| (&*kind.trigger_type, kind.key_span));
                let message = format!("a trigger has several types: {}", placed(self.file, named));
                Diagnostic::error(Code::E014, second.key_span, message)
                    .also(first.key_span, "the first type")
                    .help(format!("{help}: make the others items of their own"))
            }
        };
        self.faults.push(fault);
    }

    fn handed(&mut self, item: &Node) -> Vec<Handed> {
        let Some(entry) = item.entry("parameters") else { return Vec::new() };
        let sound = entry.value.entries().iter().filter(|it| self.walk.is_sound(&it.value));
        let mut handed = Vec::new();
        for Entry { key, value } in sound {
            let template = self.schemas.handed(value.value());
            let (id, key_span, span) = (key.text.to_string(), key.span, value.span);
            handed.push(Handed { id, key_span, value: template, span });
        }
        handed
    }
}

impl Trigger {
    /// The one type that it is of, if its configuration is sound.
    fn kind(&self) -> Option<(&Kind, Value)> {
        let [kind] = self.kinds.as_slice() else { return None };
        match &kind.config {
            Config::Sound(config) => Some((kind, config.preview())),
            Config::Faulty => None,
        }
    }

    /// What is wrong with its configuration and with what it hands over.
    pub(super) fn faults(
        &self,
        (registries, declared): (&Registries, &[Parameter]),
        home: &Home,
    ) -> Vec<Diagnostic> {
        let mut faults = match self.compiled(registries, home) {
            Some((kind, Err(found))) => found.into_iter().map(|it| kind.told(it)).collect(),
            Some((_, Ok(_))) | None => Vec::new(),
        };
        faults.extend(self.lacking(declared, home.trigger));
        faults.extend(self.handed_wrongly(declared));
        faults
    }

    fn compiled(&self, registries: &Registries, home: &Home) -> Option<(&Kind, Compiled)> {
        let (kind, config) = self.kind()?;
        let trigger = registries.triggers.get(&kind.trigger_type)?;
        Some((kind, trigger.compile(&config, home)))
    }

    /// E004: nobody is there to be asked when a trigger starts a run.
    fn lacking(&self, declared: &[Parameter], number: u32) -> Vec<Diagnostic> {
        let [kind] = self.kinds.as_slice() else { return Vec::new() };
        // A person is asked.
        if kind.trigger_type == MANUAL {
            return Vec::new();
        }
        let is_handed = |id: &str| self.parameters.iter().any(|handed| handed.id == id);
        let lacking = declared.iter().filter(|it| it.is_required() && !is_handed(&it.id));
        let fault = |parameter: &Parameter| {
            let (id, word, number) = (&parameter.id, &kind.trigger_type, number + 1);
            let message =
                format!("required parameter `{id}` has no value under trigger {number} (`{word}`)");
            let help = format!("hand it over: `parameters: {{{id}: …}}` beside `{word}`");
            Diagnostic::error(Code::E004, kind.key_span, message)
                .also(parameter.span, "declared here")
                .help(help)
        };
        lacking.map(fault).collect()
    }

    fn handed_wrongly(&self, declared: &[Parameter]) -> Vec<Diagnostic> {
        let matching = Matching::default();
        let fault = |handed: &Handed| {
            let Some(parameter) = declared.iter().find(|it| it.id == handed.id) else {
                let near = closest(&handed.id, declared.iter().map(|it| it.id.as_str()));
                let message = format!("there is no parameter {}", quoted(&handed.id));
                let fault = Diagnostic::error(Code::E016, handed.key_span, message);
                return Some(fault.maybe_help(near.map(|near| format!("did you mean `{near}`?"))));
            };
            if !handed.value.is_literal() {
                return None;
            }
            let given = Given::Typed(handed.value.preview());
            let reason = parameter.text.read_within(&given, &matching).err()?;
            let message = format!("parameter {}: {reason}", quoted(&handed.id));
            Some(Diagnostic::error(Code::E016, handed.span, message))
        };
        self.parameters.iter().filter_map(fault).collect()
    }

    pub(super) fn warnings(&self, registries: &Registries, home: &Home) -> Vec<Diagnostic> {
        let Some((kind, Ok(matcher))) = self.compiled(registries, home) else { return Vec::new() };
        let told = |Warning { code, message, help }| {
            let code = match code {
                WarningCode::AnyBranch => Code::W101,
                WarningCode::AnyImage => Code::W102,
                WarningCode::Unverified => Code::W106,
            };
            Diagnostic::warning(code, kind.key_span, message).help(help)
        };
        matcher.warnings().into_iter().map(told).collect()
    }
}

impl Kind {
    fn told(&self, fault: Fault) -> Diagnostic {
        let span = spans((self.key_span, &self.node), &fault.place).1;
        Diagnostic::error(fault.code.code(), span, fault.message).maybe_help(fault.help)
    }
}

impl Pipeline {
    /// What there is to know of its triggers without the file; of one that is at fault, nothing.
    pub(crate) fn trigger_outlines(&self) -> Vec<TriggerOutline> {
        let outline = |(number, trigger): (u32, &Trigger)| {
            let (kind, config) = trigger.kind()?;
            let handed = |it: &Handed| (it.id.clone(), it.value.clone());
            Some(TriggerOutline {
                trigger_type: kind.trigger_type.clone(),
                number,
                activity: trigger.activity,
                config,
                when: trigger.when.as_ref().map(|(source, _)| source.clone()),
                parameters: trigger.parameters.iter().map(handed).collect(),
            })
        };
        (0..).zip(&self.triggers).filter_map(outline).collect()
    }

    pub(super) fn trigger_faults(&self, registries: &Registries) -> Vec<Diagnostic> {
        let homes = homes(self, Some(UNKNOWN_REPOSITORY));
        let of = |(trigger, home): (&Trigger, Home)| {
            trigger.faults((registries, &self.parameters), &home)
        };
        self.triggers.iter().zip(homes).flat_map(of).collect()
    }

    pub(super) fn trigger_warnings(&self, registries: &Registries) -> Vec<Diagnostic> {
        let homes = homes(self, Some(UNKNOWN_REPOSITORY));
        let of = |(trigger, home): (&Trigger, Home)| trigger.warnings(registries, &home);
        self.triggers.iter().zip(homes).flat_map(of).collect()
    }
}

fn homes<'a>(
    pipeline: &'a Pipeline,
    repository: Option<&'a str>,
) -> impl Iterator<Item = Home> + 'a {
    let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
    (0..).map(move |trigger| Home {
        application: name(pipeline.application()),
        pipeline: name(pipeline.name()),
        trigger,
        repository: repository.map(str::to_owned),
    })
}
