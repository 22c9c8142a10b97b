//! Where answers and errors go, and what they look like there.

use std::{error::Error as _, fmt::Write as _, io, process::ExitCode};

use comfy_table::{ContentArrangement, Table, presets};
use portico_sdk::Error;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Column, Outcome, user_errors},
    arguments::Format,
    exit_code,
    failure::Failure,
};

/// Where answers and errors go: standard output and standard error, in one of the two formats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) const fn of(format: Format) -> Self {
        Self { format }
    }

    /// Shows what a command answered; the process ends with what this returns.
    pub(crate) fn show(self, outcome: &Outcome) -> ExitCode {
        if matches!(outcome.answer, Answer::Shown) {
            return ExitCode::from(outcome.exit_code);
        }
        let shown = match self.format {
            Format::Json => pretty(&as_json(&outcome.answer)),
            Format::Table => as_table(&outcome.answer),
        };
        // A reader that has seen enough (`porticoctl … | head`) is no failure; a full disk is one.
        match write_line(io::stdout(), &shown) {
            Ok(()) => ExitCode::from(outcome.exit_code),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(outcome.exit_code),
            Err(_) => ExitCode::from(exit_code::FAILURE),
        }
    }

    /// Says why a command failed; the process ends with what this returns.
    pub(crate) fn complain(self, failure: &Failure) -> ExitCode {
        let said = match self.format {
            Format::Json => pretty(&error_as_json(failure)),
            Format::Table => format!("error: {}", in_words(failure)),
        };
        // Where nothing can be said any more, the exit code still tells.
        let _ = write_line(io::stderr(), &said);
        ExitCode::from(failure.exit_code())
    }
}

/// Shows a value on one line, at once; tells whether anybody still reads.
pub(crate) fn line(value: &Value) -> bool {
    write_line(io::stdout(), &value.to_string()).is_ok()
}

fn write_line(mut stream: impl io::Write, text: &str) -> io::Result<()> {
    if text.ends_with('\n') || text.is_empty() {
        stream.write_all(text.as_bytes())?;
    } else {
        writeln!(stream, "{text}")?;
    }
    stream.flush()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn as_json(answer: &Answer) -> Value {
    match answer {
        Answer::List(objects, _) => Value::Array(objects.clone()),
        Answer::Object(object) => object.clone(),
        Answer::Text(text) => Value::from(text.as_str()),
        Answer::Done(sentence) => json!({ "done": sentence }),
        Answer::Shown => Value::Null,
    }
}

fn as_table(answer: &Answer) -> String {
    match answer {
        Answer::List(objects, columns) => rows(objects, columns),
        Answer::Object(object) => fields(object),
        Answer::Text(text) | Answer::Done(text) => text.clone(),
        Answer::Shown => String::new(),
    }
}

fn table() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn rows(objects: &[Value], columns: &[Column]) -> String {
    let mut table = table();
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for object in objects {
        table.add_row(columns.iter().map(|(_, pointer)| cell(object.pointer(pointer))));
    }
    table.trim_fmt()
}

fn fields(object: &Value) -> String {
    let Value::Object(fields) = object else {
        return cell(Some(object));
    };
    let mut table = table();
    for (name, value) in fields {
        table.add_row([name.clone(), cell(Some(value))]);
    }
    table.trim_fmt()
}

/// A value on one line, and such that nothing in it reaches the terminal as a command: what developers wrote is shown
/// to admins here.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.chars().flat_map(visible).collect(),
        Some(Value::Array(values)) if values.is_empty() => "-".to_owned(),
        Some(Value::Array(values)) if values.iter().all(|value| !value.is_object() && !value.is_array()) => values
            .iter()
            .map(|value| cell(Some(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string().chars().flat_map(visible).collect(),
    }
}

fn visible(letter: char) -> impl Iterator<Item = char> {
    let escaped = letter.is_control();
    let plain = (!escaped).then_some(letter);
    escaped
        .then(|| letter.escape_default())
        .into_iter()
        .flatten()
        .chain(plain)
}

/// The failure with its causes, and the request's id where the server told it.
fn in_words(failure: &Failure) -> String {
    let mut words = failure.to_string();
    let mut cause = match failure {
        Failure::Call(error) => error.source(),
        other => other.source(),
    };
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            let _ = write!(words, ": {text}");
        }
        cause = error.source();
    }
    if let Failure::Call(error) = failure
        && let Some(wait) = error.retry_after()
    {
        let _ = write!(words, "; try again in {} seconds", wait.as_secs());
    }
    words.chars().flat_map(visible).collect()
}

fn error_as_json(failure: &Failure) -> Value {
    let mut error = json!({ "message": in_words(failure), "exitCode": failure.exit_code() });
    if let Failure::Call(call) = failure {
        if let Some(code) = call.code() {
            error["code"] = Value::from(code);
        }
        if let Some(request_id) = call.request_id() {
            error["requestId"] = Value::from(request_id);
        }
        if let Some(wait) = call.retry_after() {
            error["retryAfterSeconds"] = Value::from(wait.as_secs());
        }
        if let Error::User(errors) = call {
            error["userErrors"] = user_errors(errors);
        }
    }
    json!({ "error": error })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{cell, fields, rows};

    #[test]
    fn what_others_wrote_reaches_the_terminal_as_text() {
        assert_eq!(cell(Some(&json!("a\u{1b}[2Jb\nc"))), "a\\u{1b}[2Jb\\nc");
        assert_eq!(cell(Some(&json!({ "a": "\u{1b}" }))), r#"{"a":"\u001b"}"#);
        assert_eq!(cell(Some(&json!(["x", 1, null]))), "x, 1, -");
        assert_eq!(cell(Some(&json!([]))), "-");
        assert_eq!(cell(None), "-");
    }

    #[test]
    fn a_list_has_one_row_an_object_and_the_chosen_columns() {
        let objects = [json!({ "id": "1", "app": { "name": "One" } }), json!({ "id": "22" })];
        let table = rows(&objects, &[("ID", "/id"), ("APP", "/app/name")]);
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines, [vec!["ID", "APP"], vec!["1", "One"], vec!["22", "-"]]);
    }

    #[test]
    fn an_object_has_one_row_a_field() {
        let table = fields(&json!({ "id": "1", "description": null }));
        assert!(
            table.lines().any(|line| line.split_whitespace().eq(["id", "1"])),
            "{table}"
        );
        assert!(
            table
                .lines()
                .any(|line| line.split_whitespace().eq(["description", "-"])),
            "{table}"
        );
    }
}
