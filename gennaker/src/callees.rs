//! The pipelines that stages start: found beside the file that names them, and kept with its run.

use crate::{
    read::{self, Located},
    submit::{Images, Of, Submitted},
};
use engine_api::NotBegun;
use engine_core::{
    BoxFuture, Pipeline, Plan, Registries,
    diagnostic::{Code, Diagnostic, SourceFile, Span, in_file_order},
    event::Trigger,
    files::{File, FileRequest, Files, Found},
    id::BlobName,
    pipeline::{Bindings, Callee, Given, Missing},
    plan::{Called, Callers, Source},
    stage::{ChildError, ServiceError},
};
use engine_runtime::{
    children::{Children, PlanCall},
    seal::Sealer,
};
use std::{collections::BTreeMap, sync::Arc};

/// More than these are not looked at.
const MOST: usize = 32;

/// Names content.
pub(crate) type Naming<'a> = &'a dyn Fn(&[u8]) -> BlobName;

/// What a plan keeps of the pipelines that its stages start, and their content, by name.
pub(crate) struct Kept {
    pub(crate) callees: BTreeMap<String, Called>,
    pub(crate) contents: Vec<(BlobName, Arc<[u8]>)>,
}

/// A pipeline that is started by another one, with all that it may read.
pub(crate) struct Beside {
    pub(crate) source: SourceFile,
    pub(crate) requests: Vec<FileRequest>,
    pub(crate) files: Files,
    callers: Callers,
}

/// A pipeline that is looked for, and the stage of the first file that leads to it.
struct Wanted {
    callee: Callee,
    span: Span,
    /// The file that names it, if it is not the first.
    within: Option<String>,
}

/// Where other pipelines are looked for, and how what they name is read.
pub(crate) struct Neighbours<'a> {
    pub(crate) registry: &'a Registries,
    pub(crate) sources: &'a dyn Fn() -> Vec<SourceFile>,
    pub(crate) read: &'a dyn Fn(&[FileRequest]) -> Files,
}

/// What a file on this machine starts.
pub(crate) fn beside(
    located: &Located,
    (registry, name): (&Registries, Naming<'_>),
) -> Result<BTreeMap<String, Beside>, Vec<Diagnostic>> {
    let left = read::Allowance::default();
    let read = |requests: &[FileRequest]| read::files(&located.root, requests, (name, &left));
    let sources = || read::neighbours(located);
    closure(&located.source, &Neighbours { registry, sources: &sources, read: &read })
}

/// Everything that `root` starts, and that these start, by `application/name`.
pub(crate) fn closure(
    root: &SourceFile,
    neighbours: &Neighbours<'_>,
) -> Result<BTreeMap<String, Beside>, Vec<Diagnostic>> {
    let callees = Pipeline::read(root, neighbours.registry).callees();
    let first = |callee: Callee| Wanted { span: callee.span, within: None, callee };
    let mut open: Vec<Wanted> = callees.into_iter().map(first).collect();
    let (mut found, mut faults) = (BTreeMap::new(), Vec::new());
    if open.is_empty() {
        return Ok(found);
    }
    // A ring is told where it closes, by name.
    let sources: Vec<SourceFile> =
        [root.clone()].into_iter().chain((neighbours.sources)()).collect();
    let named: Vec<_> = sources.iter().map(|source| (source, Pipeline::named(source))).collect();
    while let Some(wanted) = open.pop() {
        let key = wanted.callee.key();
        if let Some(before) = found.get(&key) {
            faults.extend(wanted.refused(before));
            continue;
        }
        if found.len() == MOST {
            continue;
        }
        match found_beside(&wanted.callee, &named, neighbours) {
            None => faults.push(wanted.missing()),
            Some((beside, callees)) => {
                faults.extend(wanted.refused(&beside));
                let (span, within) = (wanted.span, beside.source.path().to_owned());
                let next = |callee| Wanted { callee, span, within: Some(within.clone()) };
                open.extend(callees.into_iter().map(next));
                found.insert(key, beside);
            }
        }
    }
    let faults = in_file_order(faults);
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

fn found_beside(
    callee: &Callee,
    named: &[(&SourceFile, Option<(String, String)>)],
    neighbours: &Neighbours<'_>,
) -> Option<(Beside, Vec<Callee>)> {
    let is_meant = |(application, name): &(String, String)| {
        *name == callee.pipeline && *application == callee.application
    };
    let (source, _) = named.iter().find(|(_, named)| named.as_ref().is_some_and(is_meant))?;
    let pipeline = Pipeline::read(source, neighbours.registry);
    let mut requests = pipeline.files(neighbours.registry);
    // What depends on the values of a call cannot be read before it.
    requests.retain(|request| !request.pattern.contains("${{"));
    let files = (neighbours.read)(&requests);
    let callers = pipeline.callers().clone();
    let source = (*source).clone();
    Some((Beside { source, requests, files, callers }, pipeline.callees()))
}

impl Wanted {
    fn missing(&self) -> Diagnostic {
        let Callee { application, pipeline, .. } = &self.callee;
        let message =
            format!("no pipeline `{pipeline}` of application `{application}` is known here");
        let help = "put its file beside this one; it is named by its `name`";
        self.fault(Code::E007, message).help(help)
    }

    /// What is wrong if the other pipeline does not let this one start it.
    fn refused(&self, beside: &Beside) -> Option<Diagnostic> {
        let Callee { application, pipeline, caller, .. } = &self.callee;
        let message = beside.callers.admit(caller, (application, pipeline)).err()?;
        let help = format!("let `{caller}` stand in `callers` of {}", beside.source.path());
        Some(self.fault(Code::E019, message).help(help))
    }

    fn fault(&self, code: Code, message: String) -> Diagnostic {
        let message = match &self.within {
            None => message,
            Some(file) => format!("{message}; {file} names it"),
        };
        Diagnostic::error(code, self.span, message)
    }
}

pub(crate) fn kept(sealer: &Sealer, found: BTreeMap<String, Beside>) -> Kept {
    let (mut callees, mut contents) = (BTreeMap::new(), Vec::new());
    for (key, Beside { source, requests, files, .. }) in found {
        let text: Arc<[u8]> = Arc::from(source.text().as_bytes());
        let name = sealer.name(&text);
        contents.push((name.clone(), text));
        let source = Source { name: source.path().to_owned(), content: name, folder: None };
        let mut called = Called { source, files: BTreeMap::new(), patterns: BTreeMap::new() };
        for request in requests {
            let Found::Paths(paths) = files.found(&request.pattern) else { continue };
            for path in &paths {
                let Some(file) = files.file(path) else { continue };
                called.files.insert(path.clone(), file.name.clone());
                contents.push((file.name.clone(), file.content.clone()));
            }
            called.patterns.insert(request.pattern, paths);
        }
        callees.insert(key, called);
    }
    Kept { callees, contents }
}

/// Makes the plans of calls, on the clusters of this process.
impl Children for Submitted {
    fn plan<'a>(&'a self, call: PlanCall<'a>) -> BoxFuture<'a, Result<Plan, ChildError>> {
        Box::pin(self.called(call))
    }
}

impl Submitted {
    async fn called(&self, call: PlanCall<'_>) -> Result<Plan, ChildError> {
        let callees = &call.parent.document().callees;
        let unknown =
            || ChildError::Refused(format!("pipeline `{}` was not kept with this run", call.key));
        let called = callees.get(&call.key).ok_or_else(unknown)?;
        let text = call.services.read(&called.source.content).await.map_err(unread)?;
        let source = SourceFile::new(called.source.name.clone(), &text);
        let mut files = Files::default();
        for (path, name) in &called.files {
            let content = Arc::from(call.services.read(name).await.map_err(unread)?);
            files.insert_file(path.clone(), File { content, name: name.clone() });
        }
        for (pattern, paths) in &called.patterns {
            files.insert_answer(pattern.clone(), Found::Paths(paths.clone()));
        }
        let given = call.parameters.into_iter().map(|(id, value)| (id, Given::Typed(value)));
        let (parameters, actor) = (given.collect(), call.actor.name.clone());
        let (trigger, missing) = (Trigger::Pipeline, Missing::Refused);
        let origin = call.parent.document().origin.clone();
        let bindings = Bindings { parameters, actor, trigger, missing, origin };
        let how = (Images::Asked, Of::origin(call.parent));
        let plan =
            self.compiled((&source, &files), &bindings, how).await.map_err(
                |error| match error {
                    NotBegun::Invalid { diagnostics } => {
                        let told = diagnostics.iter().filter_map(|it| it["message"].as_str());
                        let told: Vec<&str> = told.take(5).collect();
                        ChildError::Refused(format!("{}: {}", call.key, told.join("; ")))
                    }
                    NotBegun::Refused { reason } => ChildError::Refused(reason),
                    NotBegun::Full { reason } | NotBegun::Unavailable { reason } => {
                        ChildError::Unavailable(reason)
                    }
                },
            )?;
        let folder = call.parent.folder().map(str::to_owned);
        Ok(plan.made_of(called.source.clone()).lying_in(folder).calling(callees.clone()))
    }
}

fn unread(error: ServiceError) -> ChildError {
    match error {
        ServiceError::Unavailable(_) => ChildError::Unavailable(error.to_string()),
        ServiceError::Missing(_) | ServiceError::Sealed(_) => {
            ChildError::Refused(error.to_string())
        }
    }
}
