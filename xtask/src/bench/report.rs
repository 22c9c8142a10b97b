//! The report: what each section found, kept as JSON, and the page made of all of it.

use std::{fmt, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{profile::Profile, rounds::Figure};
use crate::TaskResult;

/// How a figure is judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// More is better.
    AtLeast { must: f64, aim: f64 },
    /// Less is better.
    AtMost { must: f64, aim: f64 },
    /// Nothing is asked of it: it stands beside others.
    None,
}

impl Goal {
    fn verdict(self, value: f64) -> &'static str {
        let (reaches_must, reaches_aim) = match self {
            Self::AtLeast { must, aim } => (value >= must, value >= aim),
            Self::AtMost { must, aim } => (value <= must, value <= aim),
            Self::None => return "",
        };
        match (reaches_must, reaches_aim) {
            (_, true) => "aim reached",
            (true, false) => "reached",
            (false, false) => "**missed**",
        }
    }

    fn words(self, unit: &str) -> (String, String) {
        let say = |sign: &str, value: f64| format!("{sign} {}{unit}", number(value));
        match self {
            Self::AtLeast { must, aim } => (say("≥", must), say("≥", aim)),
            Self::AtMost { must, aim } => (say("≤", must), say("≤", aim)),
            Self::None => ("–".to_owned(), "–".to_owned()),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured, in words.
    pub(crate) what: String,
    /// With its space: ` ×`, ` ms`.
    pub(crate) unit: String,
    pub(crate) goal: Goal,
    pub(crate) measured: Figure,
}

impl Row {
    /// Whether it is short of its aim, and so wants a profile beside it.
    pub(crate) fn misses_aim(&self) -> bool {
        !matches!(self.goal, Goal::None) && self.goal.verdict(self.measured.median) != "aim reached"
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (must, aim) = self.goal.words(&self.unit);
        let Figure {
            median,
            lowest,
            highest,
        } = self.measured;
        write!(
            formatter,
            "| {} | {must} | {aim} | {}{} | {} to {} | {} |",
            self.what,
            number(median),
            self.unit,
            number(lowest),
            number(highest),
            self.goal.verdict(median)
        )
    }
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A picture beside the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plot {
    /// In `docs/benchmarks/`.
    pub(crate) file: String,
    pub(crate) caption: String,
}

/// What one section found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SectionReport {
    pub(crate) title: String,
    /// How it was measured, in Markdown.
    pub(crate) method: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) plots: Vec<Plot>,
    /// Where the time goes, for figures that miss their aim.
    #[serde(default)]
    pub(crate) profiles: Vec<Profile>,
    /// What it was measured on; filled in by the command.
    #[serde(default)]
    pub(crate) machine: Vec<(String, String)>,
}

impl SectionReport {
    pub(crate) fn write(&self, file: &Path) -> TaskResult {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(file, text + "\n").map_err(|error| format!("{} cannot be written: {error}", file.display()))
    }

    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
    }
}

/// The page `docs/benchmarks.md`.
pub(crate) fn markdown(reports: &[SectionReport]) -> String {
    let mut page = String::from(INTRODUCTION);
    for report in reports {
        page.push_str(&format!("\n## {}\n\n{}\n\n", report.title, report.method.trim()));
        page.push_str("| What | Must reach | Aim | Measured (median) | Rounds | |\n|---|---|---|---|---|---|\n");
        for row in &report.rows {
            page.push_str(&format!("{row}\n"));
        }
        for plot in &report.plots {
            page.push_str(&format!("\n![{}](benchmarks/{})\n", plot.caption, plot.file));
        }
        for profile in &report.profiles {
            page.push_str(&format!(
                "\n{}:\n\n```text\n{}\n```\n",
                profile.caption,
                profile.lines.join("\n")
            ));
        }
        page.push('\n');
        for (what, is) in &report.machine {
            page.push_str(&format!("- {what}: {is}\n"));
        }
    }
    page
}

const INTRODUCTION: &str = "# Benchmarks

<!-- Written by `cargo xtask bench` from docs/benchmarks/*.json: change the task, not this page. -->

`cargo xtask bench` measures Portico beside its peers in one run on one machine, and writes this page. `cargo xtask
bench NAME` repeats one section. It needs Linux, `taskset`, and root where a peer must be installed.

Ratios are of requests per CPU-second: requests answered, divided by the user and system time that all of the server's
processes and threads took meanwhile. On a machine that others use as well, that moves less than requests per second.
Servers take turns within each round, in another order each time; the table has the median of the rounds' ratios, and
the range of all rounds. Before anything is counted, the servers' answers are compared.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(goal: Goal, median: f64) -> Row {
        Row {
            what: "Speed".to_owned(),
            unit: " ×".to_owned(),
            goal,
            measured: Figure {
                median,
                lowest: 0.5,
                highest: 20.0,
            },
        }
    }

    #[test]
    fn a_row_says_what_was_asked_and_what_came() {
        let goal = Goal::AtLeast { must: 0.9, aim: 1.0 };
        assert_eq!(
            row(goal, 0.95).to_string(),
            "| Speed | ≥ 0.90 × | ≥ 1.00 × | 0.95 × | 0.50 to 20.0 | reached |"
        );
        assert!(row(goal, 0.89).to_string().contains("**missed**"));
        let goal = Goal::AtMost { must: 2.0, aim: 1.2 };
        assert!(row(goal, 1.2).to_string().contains("aim reached"));
        assert!(row(goal, 2.1).to_string().contains("**missed**"));
        assert!(row(goal, 1.3).misses_aim() && !row(goal, 1.2).misses_aim());
        assert!(row(Goal::None, 1234.5).to_string().contains("| – | – | 1234 × |"));
    }
}
