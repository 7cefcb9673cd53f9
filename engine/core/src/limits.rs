//! How large a file, what is given to a run, and a plan may be: more than anybody needs, and so
//! little that the worst of it costs some tens of milliseconds.

/// One bound, as `docs/limits.md` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub what: &'static str,
    pub most: usize,
    pub unit: &'static str,
}

pub const FILE_BYTES: usize = 512 * 1024;
pub(crate) const DEPTH: usize = 32;
pub(crate) const VALUES: usize = 20_000;
pub(crate) const ALIASES: usize = 100;
/// All text of a file once aliases stand for what they name.
pub(crate) const TEXT_BYTES: usize = 1024 * 1024;

pub(crate) const STAGES: usize = 1_000;
pub(crate) const NEEDS: usize = 10_000;
pub(crate) const PARAMETERS: usize = 100;
pub(crate) const OPTIONS: usize = 1_000;
pub(crate) const IMAGES: usize = 200;
pub(crate) const TRIGGERS: usize = 100;
pub(crate) const AXES: usize = 16;
pub(crate) const CELLS: usize = 256;
pub(crate) const EXPRESSIONS: usize = 1_000;
/// The sources of all expressions of a file.
pub(crate) const EXPRESSION_BYTES: usize = 64 * 1024;
pub(crate) const PATTERN_BYTES: usize = 1_000;
/// All texts together that must match patterns.
pub(crate) const MATCHED_BYTES: usize = 32 * 1024;
/// A pattern, compiled.
pub(crate) const COMPILED_BYTES: usize = 64 * 1024;
/// Faults and warnings of a file that are told.
pub(crate) const FAULTS: usize = 1_000;

/// One value that is given to a run, as JSON.
pub(crate) const GIVEN_BYTES: usize = 64 * 1024;
/// All of them.
pub(crate) const ALL_GIVEN_BYTES: usize = 256 * 1024;

/// Stages of a plan, each cell of a matrix being one.
pub(crate) const NODES: usize = 2_000;
pub(crate) const EDGES: usize = 70_000;
/// What the stages of a plan hold, all together, with each cell holding its own.
pub(crate) const PLAN_BYTES: usize = 4 * 1024 * 1024;
/// Files that the stages of a plan read, counted for each stage.
pub(crate) const READS: usize = 10_000;
/// Their content, counted for each stage.
pub(crate) const READ_BYTES: usize = 8 * 1024 * 1024;
/// Their lines and commas, which tell how many values they may have.
pub(crate) const READ_LINES: usize = 64_000;

/// All of them, in the order in which they are told.
pub const LIMITS: [Limit; 29] = [
    Limit { what: "a file", most: FILE_BYTES, unit: "bytes" },
    Limit { what: "levels of a file", most: DEPTH, unit: "" },
    Limit { what: "values of a file, aliases expanded", most: VALUES, unit: "" },
    Limit { what: "aliases of a file", most: ALIASES, unit: "" },
    Limit { what: "text of a file, aliases expanded", most: TEXT_BYTES, unit: "bytes" },
    Limit { what: "stages", most: STAGES, unit: "" },
    Limit { what: "items of all `needs`", most: NEEDS, unit: "" },
    Limit { what: "parameters", most: PARAMETERS, unit: "" },
    Limit { what: "`options` of a parameter", most: OPTIONS, unit: "" },
    Limit { what: "`pattern` of a parameter", most: PATTERN_BYTES, unit: "bytes" },
    Limit { what: "`pattern` of a parameter, compiled", most: COMPILED_BYTES, unit: "bytes" },
    Limit { what: "all texts that must match a `pattern`", most: MATCHED_BYTES, unit: "bytes" },
    Limit { what: "`images` of the file", most: IMAGES, unit: "" },
    Limit { what: "triggers", most: TRIGGERS, unit: "" },
    Limit { what: "axes of a matrix", most: AXES, unit: "" },
    Limit { what: "cells of a matrix", most: CELLS, unit: "" },
    Limit { what: "expressions of a file", most: EXPRESSIONS, unit: "" },
    Limit { what: "all expressions of a file", most: EXPRESSION_BYTES, unit: "bytes" },
    Limit { what: "faults that are told", most: FAULTS, unit: "" },
    Limit { what: "parameters that are given", most: PARAMETERS, unit: "" },
    Limit { what: "a value that is given", most: GIVEN_BYTES, unit: "bytes of JSON" },
    Limit { what: "all values that are given", most: ALL_GIVEN_BYTES, unit: "bytes of JSON" },
    Limit { what: "stages of a plan, cells counted", most: NODES, unit: "" },
    Limit { what: "needs of a plan, cells counted", most: EDGES, unit: "" },
    Limit { what: "what the stages of a plan say, cells counted", most: PLAN_BYTES, unit: "bytes" },
    Limit { what: "files that stages read, for each stage", most: READS, unit: "" },
    Limit { what: "content of these files, for each stage", most: READ_BYTES, unit: "bytes" },
    Limit { what: "lines and commas of these files, for each stage", most: READ_LINES, unit: "" },
    Limit { what: "pipelines that are started, in one plan", most: 32, unit: "" },
];
