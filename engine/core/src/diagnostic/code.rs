//! The stable codes of diagnostics, and what each means.

use std::fmt;

macro_rules! codes {
    ($($(#[$meta:meta])* $code:ident = $explanation:literal),* $(,)?) => {
        /// What kind of fault it is. Codes are never used again for something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$meta])* $code),* }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$code),*];

            pub fn word(self) -> &'static str {
                match self { $(Code::$code => stringify!($code)),* }
            }

            /// What the code means and what to do, in a few sentences.
            pub fn explain(self) -> &'static str {
                match self { $(Code::$code => $explanation),* }
            }
        }
    };
}

codes! {
    /// Unknown key.
    E001 = "A key that the language does not have at this place. Keys are camelCase and never \
        ignored, so that a slip of the pen cannot switch off a setting. Only keys at the top that \
        begin with `x-` are free: they are a place for anchors.",
    /// Unknown stage in `needs`.
    E002 = "`needs` names a stage that this file does not have. Stages are named by their id, the \
        key under `stages`, not by their `name`.",
    /// A ring of needs.
    E003 = "Stages need each other in a ring, so that none of them could ever start. The whole \
        ring is listed; take one of its needs away.",
    /// A required parameter has no value.
    E004 = "A parameter is `required`, has no default, and whoever starts the run gave no value. \
        On the command line a value is given by `-p name=value`.",
    /// An expression is broken.
    E005 = "An expression does not compile, is larger than the limits, cannot be true or false \
        where it must be, reads a name or field that is not there, or stands where there may be \
        none. Expressions are CEL: bare in conditions such as `when`, in `${{ }}` within other \
        text.",
    /// Not upstream.
    E006 = "An expression reads a stage that need not have ended before its own begins. Name it \
        in `needs`, or in the `needs` of a stage that is needed.",
    /// Bad duration, zone, glob.
    E008 = "A text that must have a form of its own, such as a duration or a glob, has not. \
        Durations are one whole number and one unit: `90s`, `15m`, `6h`, `2d`.",
    /// A manifest is missing or does not render.
    E011 = "A manifest path leads to no file, or what stands there cannot be read as Kubernetes \
        objects. Paths are relative to the root of the pipeline's repository.",
    /// Duplicate key.
    E013 = "The same key stands twice in one map. YAML readers differ in which of the two they \
        take, so neither is taken: remove one.",
    /// None or several actions.
    E014 = "A stage does exactly one thing: it has exactly one key that names a stage type, such \
        as `deploy` or `wait`. Split a stage that has several into several stages joined by \
        `needs`.",
    /// Not readable.
    E015 = "The file cannot be read as one YAML document within the limits: valid UTF-8 without \
        NUL, at most 512 KiB, 32 levels deep, 100 aliases, and 20,000 values and 1 MiB of text \
        after aliases are expanded; at most 1,000 expressions.",
    /// Missing or wrong value.
    E016 = "A value is missing, of the wrong type, out of range, not one of the known words, or \
        written so that YAML 1.1 and YAML 1.2 read it differently (`yes`, `0644`, `1:30`): quote \
        what is meant as text. Tags, keys without a value and empty guarding lists are refused.",
    /// An `images` key matches nothing.
    E017 = "A key under `images` matches no container image of the rendered manifests, so that it \
        would replace nothing. A key is an image's full name without tag, or its last part.",
    /// Two deploys of one component to one environment.
    E018 = "Two stages deploy the same component to the same environment, so that each would prune \
        what the other has put there. Give one of them another `component`.",
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}
