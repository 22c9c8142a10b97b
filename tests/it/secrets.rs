//! Keys, passwords and tokens are shown once, to whom they belong, and stand nowhere else: in no log line, no error, no
//! audit event, no file of the database and no Debug.

use std::{
    cell::Cell,
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use portico_sdk::{GenerateCredentialInput, Portico, Realm, RotateCredentialInput, SecretString, SignUpInput};
use portico_tests::{
    caller::Caller,
    database, fixture,
    server::{ADMIN_PASSWORD, DEVELOPER_PASSWORD, TestServer},
    upstream::Upstream,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tracing_subscriber::{
    Layer as _,
    filter::dynamic_filter_fn,
    fmt::{MakeWriter, format::FmtSpan},
    layer::SubscriberExt as _,
};

const WRONG_PASSWORD: &str = "a guess at somebody's password";
const NEW_PASSWORD: &str = "the password after the change";
const RESET_PASSWORD: &str = "the password after the reset";
const UPSTREAM_PASSWORD: &str = "upstreams-own-password";

thread_local! {
    /// Whether what this thread logs is looked at.
    static CAPTURED: Cell<bool> = const { Cell::new(false) };
}

/// Everything that is logged on this thread, which on the tests' runtime is every task of the server.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What was secret, each by its name.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn note(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() >= 12, "{what}");
        self.0.push((what, secret.to_owned()));
    }

    fn note_tokens(&mut self, client: &Portico) {
        let tokens = client.tokens().unwrap();
        self.note("access token", tokens.access_token.expose_secret());
        self.note("refresh token", tokens.refresh_token.expose_secret());
    }

    /// Those that stand in the text, whole or without the prefix and the end that a hint may show.
    fn found_in(&self, text: &str) -> Vec<&'static str> {
        let found = self.0.iter().filter(|(_, secret)| {
            let middle = &secret[4..secret.len() - 4];
            text.contains(secret) || (secret.len() > 30 && text.contains(middle))
        });
        found.map(|(what, _)| *what).collect()
    }
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

/// Lives through everything that handles a secret; returns the secrets and all that was answered on the way.
async fn live(server: &TestServer) -> (Secrets, String) {
    let mut secrets = Secrets::default();
    let mut answers = String::new();
    for (what, password) in [
        ("admin's password", ADMIN_PASSWORD),
        ("developer's password", DEVELOPER_PASSWORD),
        ("wrong password", WRONG_PASSWORD),
        ("changed password", NEW_PASSWORD),
        ("reset password", RESET_PASSWORD),
        ("upstream's password", UPSTREAM_PASSWORD),
    ] {
        secrets.note(what, password);
    }
    let upstream = Upstream::start().await;
    let client = server.admin().await;
    secrets.note_tokens(&client);
    let admin = Caller::of(server, "admin", &client);
    let published = fixture::publish(&client, &upstream, "mock", true).await;
    let owner = server.developer(&client, "olga").await;
    secrets.note_tokens(&owner.client);
    let developer = Caller::of(server, "developer", &owner.client);
    let app = fixture::app(&owner, "first").await;
    fixture::request(&owner, &app, &published.version).await;

    let generated = owner
        .client
        .credentials()
        .generate(GenerateCredentialInput::new(&app.id))
        .await
        .unwrap();
    answers.push_str(&format!("{generated:?}"));
    let key = generated.secret.expose().to_owned();
    secrets.note("key", &key);
    let rotate = RotateCredentialInput::new(&generated.credential.id);
    let rotated = owner.client.credentials().rotate(rotate).await.unwrap();
    answers.push_str(&format!("{rotated:?}"));
    let second = rotated.secret.expose().to_owned();
    secrets.note("rotated key", &second);
    for key in [&key, &second] {
        for path in ["/mock", "/nowhere"] {
            let answer = server.call(path, Some(key)).await;
            answers.push_str(&format!("{:?}", answer.headers()));
            answers.push_str(&answer.text().await.unwrap());
        }
        let as_argument = server.call(&format!("/mock?apikey={key}"), None).await;
        assert_eq!(as_argument.status(), 401);
    }

    // Mistakes with secrets in them: in the wrong place, for the wrong account, in what is refused.
    let mistakes: [(&Caller, &str, Value); 8] = [
        (&developer, "updateApp", json!({ "id": key, "name": "x" })),
        (
            &developer,
            "createApp",
            json!({ "name": "x", "referenceId": second, "idempotencyKey": "\n" }),
        ),
        (
            &developer,
            "signIn",
            json!({ "email": owner.email, "password": WRONG_PASSWORD }),
        ),
        (
            &developer,
            "signIn",
            json!({ "email": "nobody@example.com", "password": WRONG_PASSWORD }),
        ),
        (
            &developer,
            "signUp",
            json!({ "email": "nobody", "password": WRONG_PASSWORD, "fullName": "N" }),
        ),
        (
            &developer,
            "resetPassword",
            json!({ "resetToken": key, "newPassword": WRONG_PASSWORD }),
        ),
        (
            &developer,
            "changePassword",
            json!({ "currentPassword": WRONG_PASSWORD, "newPassword": NEW_PASSWORD }),
        ),
        (
            &admin,
            "setGatewayService",
            json!({
                "versionId": published.version.id.to_string(),
                "upstreamUrl": format!("http://user:{UPSTREAM_PASSWORD}@localhost"),
                "routes": [{ "paths": ["/mock"] }],
            }),
        ),
    ];
    for (caller, mutation, input) in mistakes {
        let answer = caller.mutate(mutation, "", input).await;
        let is_refused = answer.get("errors").is_some() || answer["data"][mutation]["userErrors"][0].is_object();
        assert!(is_refused, "{mutation}: {answer}");
        // The id that was not one is repeated to who sent it; everything else is not.
        if mutation != "updateApp" {
            answers.push_str(&answer.to_string());
        }
    }
    for body in [
        format!(
            "{{\"query\": \"mutation {{ signIn(input: {{ email: \\\"a\\\", password: \\\"{WRONG_PASSWORD}\\\" }}) {{ nothing }} }}\"}}"
        ),
        format!(
            "{{\"query\": \"{{ portal {{ name }} }}\", \"variables\": {{ \"password\": \"{WRONG_PASSWORD}\" }}, broken"
        ),
    ] {
        let request = developer
            .request()
            .header("content-type", "application/json")
            .body(body);
        answers.push_str(&request.send().await.unwrap().text().await.unwrap());
    }

    let created = client
        .gateway_tokens()
        .create(portico_sdk::CreateGatewayTokenInput::new("edge"))
        .await
        .unwrap();
    answers.push_str(&format!("{created:?}"));
    let gateway_token = created.secret.expose_secret().to_owned();
    secrets.note("gateway token", &gateway_token);
    let stream = reqwest::Client::new().get(server.api("/gateway/v1/stream"));
    let mut stream = stream.bearer_auth(&gateway_token).send().await.unwrap();
    answers.push_str(&format!("{:?}", stream.headers()));
    answers.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    drop(stream);
    let misplaced = json!({ "name": "x", "idempotencyKey": format!("\n{gateway_token}") });
    let answer = admin.mutate("createGatewayToken", "", misplaced).await;
    assert!(
        answer["data"]["createGatewayToken"]["userErrors"][0].is_object(),
        "{answer}"
    );
    answers.push_str(&answer.to_string());

    let change = owner
        .client
        .change_password(SecretString::from(DEVELOPER_PASSWORD), SecretString::from(NEW_PASSWORD));
    change.await.unwrap();
    let issued = client.developers().issue_password_reset(&owner.id).await.unwrap();
    answers.push_str(&format!("{issued:?}"));
    secrets.note("reset token", issued.token.expose_secret());
    let reset = server.anonymous();
    reset
        .reset_password(issued.token, SecretString::from(RESET_PASSWORD))
        .await
        .unwrap();
    reset
        .sign_in(Realm::Portal, &owner.email, SecretString::from(RESET_PASSWORD))
        .await
        .unwrap();
    secrets.note_tokens(&reset);
    reset.sign_out().await.unwrap();
    admin
        .done(
            "revokeCredential",
            "",
            json!({ "id": rotated.credential.id.to_string() }),
        )
        .await;

    let input = SignUpInput::new("late@example.com", SecretString::from(DEVELOPER_PASSWORD), "Late");
    let debugged = format!("{client:?} {:?} {input:?} {:?}", client.tokens(), server.options());
    answers.push_str(&debugged);
    let events = "{ auditEvents(first: 100) { totalCount nodes { actor action subjectId reason before after } } }";
    let events = admin.post(events, json!({})).await;
    assert!(
        events["data"]["auditEvents"]["totalCount"].as_u64().unwrap() >= 20,
        "{events}"
    );
    assert!(events.to_string().contains("credential.rotate"));
    answers.push_str(&events.to_string());
    (secrets, answers)
}

#[tokio::test]
async fn secrets_stand_nowhere_but_in_the_answer_that_shows_them() {
    let log = Log::default();
    // For the whole process: a subscriber of one thread misses what other tests' threads have switched off before.
    let layer = tracing_subscriber::fmt::layer()
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(log.clone())
        .with_filter(dynamic_filter_fn(|_, _| CAPTURED.get()));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    CAPTURED.set(true);
    let server = TestServer::start().await;
    let (secrets, answers) = live(&server).await;
    let data = server.options().storage.data_dir.clone();
    let mut files: Vec<(String, String)> = Vec::new();
    for path in files_below(&data) {
        // All secrets are ASCII, which stays as it is.
        let bytes = std::fs::read(&path).unwrap();
        files.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    if let Some(postgres) = database::postgres_server() {
        let url = server.options().storage.url();
        let rows = postgres.dump(url.rsplit('/').next().unwrap()).unwrap();
        files.push(("the database".to_owned(), rows));
    }
    server.stop().await;
    CAPTURED.set(false);

    // The searches find what is there.
    let everything: String = files.iter().map(|(_, text)| text.as_str()).collect();
    let mut known = Secrets::default();
    known.note("e-mail", "olga@example.com");
    assert_eq!(known.found_in(&everything), ["e-mail"]);
    assert_eq!(known.found_in(&answers), ["e-mail"]);
    let log = log.text();
    for words in ["answered", "POST", "/graphql"] {
        assert!(log.contains(words), "{words}");
    }

    for (path, text) in &files {
        assert_eq!(secrets.found_in(text), Vec::<&str>::new(), "{path}");
    }
    assert_eq!(secrets.found_in(&answers), Vec::<&str>::new());
    let told: Vec<&str> = log.lines().filter(|line| !secrets.found_in(line).is_empty()).collect();
    assert_eq!(told, Vec::<&str>::new());
}
