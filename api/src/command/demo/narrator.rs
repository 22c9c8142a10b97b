//! What the demonstration prints: a line for each step, a spinner while one runs where the terminal has it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::style;

/// Tells what happens, as it happens.
pub(super) struct Narrator {
    spinner: ProgressBar,
}

impl Narrator {
    pub(super) fn new() -> Self {
        // Hidden by itself where standard error is no terminal.
        let spinner = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            spinner.set_style(style);
        }
        Self { spinner }
    }

    /// A part of the story begins.
    pub(super) fn heading(&self, text: &str) {
        self.say(&format!("\n{}{text}{:#}\n", style::HEADING, style::HEADING));
    }

    /// A step is about to be taken.
    pub(super) fn begin(&self, text: &'static str) {
        self.spinner.set_message(text);
        self.spinner.enable_steady_tick(Duration::from_millis(80));
    }

    /// A step was taken; `result` has its ids and states.
    pub(super) fn step(&self, text: &str, result: &str) {
        self.spinner.disable_steady_tick();
        self.say(&format!(
            "  {}✓{:#} {text}: {}{result}{:#}",
            style::DONE,
            style::DONE,
            style::VALUE,
            style::VALUE
        ));
    }

    /// Something to know.
    pub(super) fn note(&self, name: &str, value: &str) {
        self.say(&format!("  {name}: {}{value}{:#}", style::VALUE, style::VALUE));
    }

    /// What a program printed, or a command to type.
    pub(super) fn quote(&self, text: &str) {
        for line in text.lines() {
            self.say(&format!("    {}{line}{:#}", style::FAINT, style::FAINT));
        }
    }

    fn say(&self, line: &str) {
        self.spinner.suspend(|| anstream::println!("{line}"));
    }
}
