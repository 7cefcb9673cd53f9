//! From a pipeline to a plan: environments placed, files pinned, defaults filled in, every fault
//! told at once.

mod asked;
mod environments;
mod files;
mod stages;

pub use environments::{Cluster, Environments, UnknownEnvironment};

use super::{Document, FORMAT, Node, Plan};
use crate::{
    Registries,
    diagnostic::{Code, Diagnostic, Span, in_file_order, quoted},
    expression::remembering,
    files::Files,
    limits::FAULTS,
    pipeline::Pipeline,
};
use stages::{Compiler, Judged};
use std::collections::{BTreeMap, HashSet};

impl Plan {
    /// The plan of `pipeline`, or everything that is to be said of it in the order of the file, with
    /// at least one error. Of a pipeline that has a plan its warnings are still to be told.
    /// `files` holds what was read for [`Pipeline::files`].
    pub fn compile(
        pipeline: &Pipeline,
        environments: &Environments,
        registries: &Registries,
        files: &Files,
    ) -> Result<Plan, Vec<Diagnostic>> {
        let compiler = Compiler::new((environments, pipeline), &registries.stages, files);
        remembering(|| Plan::compiled((pipeline, environments), compiler))
    }

    fn compiled(
        (pipeline, environments): (&Pipeline, &Environments),
        mut compiler: Compiler<'_>,
    ) -> Result<Plan, Vec<Diagnostic>> {
        let nodes = nodes(&mut compiler, pipeline);
        let mut faults = compiler.faults;
        if compiler.judged == Judged::All {
            faults.extend(pipeline.unused_images(&compiler.images_used));
        }
        faults.extend_from_slice(pipeline.faults());
        faults.extend(disowned(pipeline, environments));
        let (Some(name), Some(application)) = (pipeline.name(), pipeline.application()) else {
            faults.extend(unnamed(&faults));
            return Err(with_warnings(faults, pipeline.warnings(environments)));
        };
        if !faults.is_empty() {
            return Err(with_warnings(faults, pipeline.warnings(environments)));
        }
        let document = Document {
            format: FORMAT,
            application: application.to_owned(),
            pipeline: name.to_owned(),
            description: pipeline.description().map(str::to_owned),
            labels: pipeline.labels().clone(),
            callers: pipeline.callers().clone(),
            concurrency: pipeline.concurrency(),
            timeout: pipeline.timeout(),
            parameters: pipeline.values().clone(),
            environments: compiler.places,
            observed: compiler.observed,
            images: pipeline.references().clone(),
            resolved: pipeline.digests().clone(),
            carried: BTreeMap::new(),
            nodes,
            callees: BTreeMap::new(),
            source: None,
            origin: pipeline.origin().cloned(),
            broken: None,
        };
        Plan::new(document).map_err(|error| {
            vec![Diagnostic::error(Code::E003, Span::default(), error.to_string())]
        })
    }
}

fn nodes(compiler: &mut Compiler<'_>, pipeline: &Pipeline) -> Vec<Node> {
    let mut seen = HashSet::new();
    let (mut nodes, mut found) = (Vec::new(), 0);
    for stage in pipeline.stages() {
        let told = compiler.faults.len();
        nodes.extend(compiler.node(stage));
        found += compiler.faults.len() - told;
        if let Some(cell) = &stage.cell
            && !seen.insert(cell.stage.as_str())
        {
            tell_once(&mut compiler.faults, told);
        }
        // What comes after these is not told; and cells may find the same again and again.
        if compiler.faults.len() > FAULTS || found > 4 * FAULTS {
            compiler.judged = Judged::NotAll;
            break;
        }
    }
    nodes
}

/// A name in a file grants nothing: the application must be one of the source's own.
fn disowned(pipeline: &Pipeline, environments: &Environments) -> Option<Diagnostic> {
    let application = pipeline.application()?;
    let why = environments.disowned(application)?;
    let message = format!("application {} is not this repository's", quoted(application));
    let fault = Diagnostic::error(Code::E019, pipeline.application_span(), message);
    Some(fault.help(why.to_string()))
}

fn with_warnings(mut faults: Vec<Diagnostic>, warnings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    faults.extend(warnings);
    in_file_order(faults)
}

/// What is wrong with a stage is wrong with each of its cells: of the faults of a further cell, from
/// `told` on, only those stay that an earlier one did not show.
fn tell_once(faults: &mut Vec<Diagnostic>, told: usize) {
    let further = faults.split_off(told);
    let key = |fault: &Diagnostic| (fault.code, fault.primary.span);
    let known: HashSet<(Code, Span)> = faults.iter().map(key).collect();
    faults.extend(further.into_iter().filter(|fault| !known.contains(&key(fault))));
}

/// The fault of a pipeline without a name of which nothing else was told.
fn unnamed(faults: &[Diagnostic]) -> Option<Diagnostic> {
    let fault = || Diagnostic::error(Code::E016, Span::default(), "the file lacks `name`");
    faults.is_empty().then(fault)
}
