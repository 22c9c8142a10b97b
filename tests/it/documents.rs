//! What the documents show is true: their examples are read out of the pages, checked and run.
//! `docs/how-to-write-examples.md` says how they are marked.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Parser as _, error::ErrorKind};
use portico::config::Arguments;
use portico_sdk::{Realm, SecretString};
use portico_tests::{node::Script, server::TestServer, upstream::Upstream};

/// The first admin and the password, as the documents have them.
const ADMIN: (&str, &str) = ("admin@localhost", "the password from the file");

/// Every page that people read, by its path.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages: Vec<PathBuf> = ["", "docs", "docs/adr"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path().canonicalize().unwrap())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages
}

/// Each page has a server of its own, as somebody has who follows it from the start.
#[tokio::test]
async fn every_example_in_the_documents_holds() {
    let mut ran = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        if !["```graphql", "```ts ", "```sh"]
            .iter()
            .any(|fence| text.contains(fence))
        {
            continue;
        }
        let (email, password) = ADMIN;
        let server = TestServer::start_with(|options| {
            options.admin_email = Some(email.to_owned());
            options.admin_password = Some(SecretString::from(password));
        })
        .await;
        let upstream = Upstream::start().await;
        let admin = server.anonymous();
        admin
            .sign_in(Realm::Admin, email, SecretString::from(password))
            .await
            .unwrap();
        let mut script = Script::against(&server, "docs.mjs")
            .variable("PAGE", &page)
            .variable("UPSTREAM_URL", upstream.url())
            .token("ADMIN_TOKEN", &admin);
        // A page that signs its developer up shows who there is, so nobody else is there.
        if text.contains("as=developer") && !text.contains("becomes=developer") {
            let developer = server.developer(&admin, "ada").await;
            script = script.token("DEVELOPER_TOKEN", &developer.client);
        }
        script.run().await;
        ran += 1;
    }
    assert!(ran > 0, "no page has an example");
}

/// The commands of the binary that the pages show are ones that it takes, with these flags and values.
#[test]
fn every_command_in_the_documents_is_one_sqlite() {
    let mut read = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for command in commands(&text) {
            let parsed = Arguments::try_parse_from(&command);
            let refused = parsed.err().map(|error| (error.kind(), error.to_string()));
            // Asking for the version or for help ends there, as it should; and what is required may be a variable.
            let is_fine = refused.as_ref().is_none_or(|(kind, _)| {
                matches!(
                    kind,
                    ErrorKind::DisplayVersion | ErrorKind::DisplayHelp | ErrorKind::MissingRequiredArgument
                )
            });
            assert!(is_fine, "{}: {command:?}: {refused:?}", page.display());
            read += 1;
        }
    }
    assert!(read > 0, "no page has a command");
}

/// What a page's shell blocks call `portico` with, its name included.
fn commands(page: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut is_shell = false;
    for line in page.replace("\\\n", " ").lines().map(str::trim) {
        if let Some(language) = line.strip_prefix("```") {
            is_shell = !is_shell && language.split(' ').next() == Some("sh");
        } else if is_shell {
            // A line in the middle of a longer text is no command.
            let words = shlex::split(&substituted(line)).unwrap_or_default();
            // Variables may be set in front of it.
            let command = words.iter().skip_while(|word| word.contains('=')).cloned();
            let command: Vec<String> = command.collect();
            if command
                .first()
                .is_some_and(|name| name == "portico" || name.ends_with("/portico"))
            {
                commands.push(command);
            }
        }
    }
    commands
}

/// A shell's line with something in place of what other commands would print.
fn substituted(line: &str) -> String {
    match line.split_once("$(") {
        Some((before, rest)) => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{before}printed{}", substituted(after))
        }
        None => line.to_owned(),
    }
}

#[test]
fn commands_are_read_as_a_shell_does_sqlite() {
    let page = "portico no\n```sh\nA=b portico backup \\\n  'a b'/$(date +%F).db # x\necho portico\n```\nportico no\n";
    assert_eq!(commands(page), [["portico", "backup", "a b/printed.db"]]);
}
