//! A stage that runs once for each combination of values: at the start each becomes a stage.

mod size;

use super::{PlacedNeed, Stage};
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    language::{Entry, MatrixText},
    limits::CELLS,
    plan::{Cell, CellFailure, Need},
    template::{Readiness, Scope, Template},
};
use serde_json::Value;
use size::Size;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most characters of a value: it becomes a part of the node's id.
const VALUE_LENGTH: usize = 63;

/// Which nodes of a needed stage with a matrix are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cells {
    All,
    /// The one with the same values.
    Same,
}

/// A matrix as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// In the order of the file, which is the order of the values in a node's id.
    pub(crate) axes: Vec<Axis>,
    include: Vec<BTreeMap<String, Value>>,
    exclude: Vec<BTreeMap<String, Value>>,
    max_parallel: Option<usize>,
    on_failure: CellFailure,
    span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) name: String,
    pub(crate) values: Template,
    pub(crate) span: Span,
}

/// The nodes that came of a written stage, by its id.
type Spread = HashMap<String, Vec<(String, Cell)>>;
type Values = BTreeMap<String, Value>;

impl Matrix {
    pub(super) fn read(entry: &Entry, text: MatrixText, faults: &mut Vec<Diagnostic>) -> Matrix {
        let axes = entry.value.entry("axes").map(|axes| axes.value.entries()).unwrap_or_default();
        let axis = |axis: &Entry| Axis {
            name: axis.key.text.to_string(),
            values: open(&axis.value.value()),
            span: axis.key.span,
        };
        let on_failure = match text.fail_fast {
            true => CellFailure::StopsOthers,
            false => CellFailure::LeavesOthers,
        };
        let mut matrix = Matrix {
            axes: axes.iter().map(axis).collect(),
            include: text.include,
            exclude: text.exclude,
            max_parallel: text.max_parallel,
            on_failure,
            span: entry.key.span,
        };
        let found = matrix.names_faults();
        if !found.is_empty() {
            // What is told here is not told again by what follows from it.
            (matrix.include, matrix.exclude) = (Vec::new(), Vec::new());
        }
        faults.extend(found);
        matrix
    }

    pub(super) fn has_axis(&self, name: &str) -> bool {
        self.axes.iter().any(|axis| axis.name == name)
    }

    fn names_faults(&self) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        let known = || self.axes.iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>();
        for axis in self.axes.iter().filter(|axis| !is_id(&axis.name)) {
            let message = format!("{} is no name of an axis", quoted(&axis.name));
            let help = "letters, digits and `-`, beginning with a small letter";
            faults.push(Diagnostic::error(Code::E016, axis.span, message).help(help));
        }
        if !faults.is_empty() {
            return faults;
        }
        for name in self.include.iter().chain(&self.exclude).flat_map(BTreeMap::keys) {
            if !self.has_axis(name) {
                let message = format!("the matrix has no axis {}", quoted(name));
                let help = format!("it has {}", known().join(", "));
                faults.push(Diagnostic::error(Code::E016, self.span, message).help(help));
            }
        }
        if self.include.iter().any(|cell| cell.len() < self.axes.len()) {
            let message = "a cell of `include` names every axis";
            let help = format!("give each of them {}", known().join(", "));
            faults.push(Diagnostic::error(Code::E016, self.span, message).help(help));
        }
        faults
    }

    fn fault(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::E016, self.span, message)
    }

    /// The values of all cells: the product in the order of the file, without what is excluded,
    /// then what is included.
    fn values(&self) -> Result<Vec<Values>, Diagnostic> {
        let mut product = vec![Values::new()];
        for axis in &self.axes {
            let Value::Array(values) = axis.values.preview() else {
                let message = format!("axis {} must be a list", quoted(&axis.name));
                return Err(Diagnostic::error(Code::E016, axis.span, message));
            };
            if product.len() * values.len() > CELLS {
                return Err(self.fault(format!("the matrix has more than {CELLS} cells")));
            }
            let with = |cell: &Values, value: &Value| {
                let mut cell = cell.clone();
                cell.insert(axis.name.clone(), value.clone());
                cell
            };
            product = product
                .iter()
                .flat_map(|cell| values.iter().map(move |value| with(cell, value)))
                .collect();
        }
        let is_excluded = |cell: &Values| {
            self.exclude
                .iter()
                .any(|out| out.iter().all(|(axis, value)| cell.get(axis) == Some(value)))
        };
        product.retain(|cell| !is_excluded(cell));
        product.extend(self.include.iter().cloned());
        match product.len() {
            0 => Err(self.fault("the matrix has no cell left")),
            count if count > CELLS => {
                Err(self.fault(format!("the matrix has more than {CELLS} cells")))
            }
            _ => Ok(product),
        }
    }

    /// What stands between the brackets of a node's id.
    fn label(&self, cell: &Values) -> Result<String, Diagnostic> {
        let words = self.axes.iter().map(|axis| {
            let word = cell.get(&axis.name).and_then(word);
            word.ok_or_else(|| {
                let message = format!(
                    "a value of axis {} must be a number, a boolean, or a text of 1 to \
                    {VALUE_LENGTH} characters without brackets and commas",
                    quoted(&axis.name)
                );
                Diagnostic::error(Code::E016, axis.span, message)
            })
        });
        Ok(words.collect::<Result<Vec<_>, _>>()?.join(","))
    }

    fn cells(&self, stage: &str) -> Result<Vec<(String, Cell)>, Diagnostic> {
        let mut cells = Vec::new();
        let mut seen = HashSet::new();
        for values in self.values()? {
            let id = format!("{stage}[{}]", self.label(&values)?);
            if !seen.insert(id.clone()) {
                return Err(self.fault(format!("the matrix has {} twice", quoted(&id))));
            }
            let (stage, max_parallel) = (stage.to_owned(), self.max_parallel);
            cells.push((id, Cell { stage, values, max_parallel, on_failure: self.on_failure }));
        }
        Ok(cells)
    }
}

/// The stages with every matrix spread out whose values are known. What cannot be spread stays.
pub(super) fn spread(
    stages: Vec<Stage>,
    (ready, scope): (&dyn Fn(&str) -> Readiness, &Scope),
    faults: &mut Vec<Diagnostic>,
) -> Vec<Stage> {
    let (mut spread, mut all) = (Spread::new(), Vec::new());
    let mut size = Size::of(stages.len());
    for mut stage in stages {
        let Some(cells) = cells(&mut stage, (ready, scope), faults) else {
            all.push(stage);
            continue;
        };
        if let Some(excess) = size.with(&stage, cells.len()) {
            faults.push(excess);
            all.push(stage);
            break;
        }
        all.extend(cells.iter().map(|(id, cell)| node(&stage, id.clone(), cell.clone())));
        spread.insert(stage.id, cells);
    }
    for stage in &mut all {
        if let Some(excess) = size.needing(stage, &spread) {
            faults.push(excess);
            break;
        }
        let needs = std::mem::take(&mut stage.needs);
        let needs = needs.into_iter().flat_map(|need| needed(need, stage, &spread, faults));
        stage.needs = needs.collect();
    }
    all
}

/// The cells of a stage, if it has any whose values are known.
fn cells(
    stage: &mut Stage,
    values: (&dyn Fn(&str) -> Readiness, &Scope),
    faults: &mut Vec<Diagnostic>,
) -> Option<Vec<(String, Cell)>> {
    let matrix = stage.matrix.as_mut()?;
    let cells = match known(matrix, values) {
        Ok(Known::Later) => return None,
        Ok(Known::Now) => matrix.cells(&stage.id),
        Err(fault) => Err(fault),
    };
    cells.map_err(|fault| faults.push(fault)).ok()
}

/// Whether the values of a matrix are known already.
enum Known {
    Now,
    /// A parameter has no value yet.
    Later,
}

fn known(
    matrix: &mut Matrix,
    (ready, scope): (&dyn Fn(&str) -> Readiness, &Scope),
) -> Result<Known, Diagnostic> {
    for axis in &mut matrix.axes {
        let mut failed = Vec::new();
        axis.values.bind_early(ready, scope, &mut failed);
        if let Some((_, error)) = failed.into_iter().next() {
            return Err(Diagnostic::error(Code::E005, axis.span, error.to_string()));
        }
        if !axis.values.is_literal() {
            return Ok(Known::Later);
        }
    }
    Ok(Known::Now)
}

fn node(stage: &Stage, id: String, cell: Cell) -> Stage {
    let mut node = stage.clone();
    let label = id.strip_prefix(stage.id.as_str()).unwrap_or_default();
    node.name = node.name.map(|name| format!("{name} {label}"));
    node.matrix = None;
    node.cell = Some(cell);
    node.id = id;
    node
}

/// The needs that one written need becomes.
fn needed(
    written: PlacedNeed,
    stage: &Stage,
    spread: &Spread,
    faults: &mut Vec<Diagnostic>,
) -> Vec<PlacedNeed> {
    let needed = &written.need.stage;
    let (cells, own) = (spread.get(needed), stage.cell.as_ref());
    let of = match written.cells {
        Cells::All => Some(needed.clone()),
        Cells::Same => None,
    };
    let is_meant = |cell: &Cell| match (written.cells, own) {
        (Cells::All, _) => true,
        (Cells::Same, own) => own.is_some_and(|own| own.values == cell.values),
    };
    let meant = cells.into_iter().flatten().filter(|(_, cell)| is_meant(cell));
    let need = |(id, _): &(String, Cell)| {
        let need = Need { stage: id.clone(), of: of.clone(), ..written.need.clone() };
        PlacedNeed { need, ..written }
    };
    let needs: Vec<PlacedNeed> = meant.map(need).collect();
    // A stage whose matrix is not known yet stands for itself.
    let is_open = stage.matrix.is_some() || (cells.is_none() && written.cells == Cells::All);
    if needs.is_empty() && !is_open {
        let own = quoted(&stage.id);
        let message = format!("{} has no node with the values of {own}", quoted(needed));
        let help = "`matrix: same` is for two stages with the same axes and values";
        faults.push(Diagnostic::error(Code::E016, written.span, message).help(help));
    }
    if needs.is_empty() { vec![written] } else { needs }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => {
            let fits = |letter: char| !letter.is_control() && !"[],".contains(letter);
            let is_short = (1..=VALUE_LENGTH).contains(&text.len());
            (is_short && text.chars().all(fits)).then(|| text.clone())
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value with the expressions in its texts.
fn open(value: &Value) -> Template {
    match value {
        Value::String(text) => Template::text(text).unwrap_or(Template::Null),
        Value::Array(items) => Template::List(items.iter().map(open).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Template::literal(value)
        }
    }
}

fn is_id(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && name.len() <= 63
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
}
