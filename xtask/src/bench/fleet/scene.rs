//! A control plane with a product, an approved app, and the gateways that it feeds.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};

use crate::bench::{
    Bench,
    pinned::Running,
    portico::{self, Portico, Server},
};

/// Where the gateways forward from.
pub(super) const PATH: &str = "/bench";
const DEVELOPER: (&str, &str) = ("dana@example.com", "a developer's password");

/// What runs, and who asks it.
pub(super) struct Scene {
    gateways: Vec<(Running, SocketAddr)>,
    server: Server,
    admin: String,
    developer: String,
    app: String,
    /// Dropped after the processes whose files are in it.
    directory: tempfile::TempDir,
}

/// An API key.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Scene {
    /// Starts the control plane on SQLite and so many gateways, and approves an app for what `upstream` answers.
    pub(super) fn prepare(
        bench: &Bench,
        program: &Path,
        upstream: SocketAddr,
        gateways: usize,
    ) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let control_plane = Portico {
            bench,
            program,
            directory: &directory.path().join("control-plane"),
            database_url: None,
            keys: None,
            flags: &[],
        };
        let server = control_plane.start()?;
        let admin = server.sign_in_admin(0)?;
        let version = publish(&server, &admin, upstream)?;
        let (developer, app) = approved_app(&server, &admin, &version)?;
        let mut scene = Self {
            gateways: Vec::new(),
            server,
            admin,
            developer,
            app,
            directory,
        };
        for number in 1..=gateways {
            scene.start_gateway(bench, program, &format!("edge-{number}"))?;
        }
        Ok(scene)
    }

    fn start_gateway(&mut self, bench: &Bench, program: &Path, name: &str) -> Result<(), String> {
        let made = mutate(
            &self.server,
            &self.admin,
            "createGatewayToken",
            &json!({ "name": name }),
            "secret",
        )?;
        let mut command = bench.cores.server_command(program);
        command
            .args(["gateway", "--listen", "127.0.0.1:0", "--health-listen", "off"])
            .args(["--control-plane", &format!("http://{}", self.server.address)])
            .args(["--name", name])
            .env("PORTICO_GATEWAY_TOKEN", text(&made["secret"])?);
        let directory = self.directory.path().join(name);
        self.gateways
            .push(portico::start(&mut command, &directory, "gateway_listen")?);
        Ok(())
    }

    /// Where the gateways listen.
    pub(super) fn gateways(&self) -> impl Iterator<Item = SocketAddr> {
        self.gateways.iter().map(|(_, address)| *address)
    }

    /// A new key of the app.
    pub(super) fn key(&self) -> Result<Key, String> {
        let input = json!({ "appId": self.app });
        let selection = "credential { id } secret";
        let made = mutate(&self.server, &self.developer, "generateCredential", &input, selection)?;
        Ok(Key {
            id: text(&made["credential"]["id"])?,
            secret: text(&made["secret"])?,
        })
    }

    /// The admin's request that revokes a key.
    pub(super) fn revoking(&self, input: &Value) -> Vec<u8> {
        let document = mutation("revokeCredential", "gatewaysConfirmed unconfirmedGateways { name }");
        let variables = json!({ "input": input });
        self.server.request(&document, &variables, Some(&self.admin))
    }

    /// The control plane's answer.
    pub(super) fn ask(&self, request: &[u8]) -> Result<Value, String> {
        self.server.ask(request)
    }
}

/// A version whose calls go to `upstream`; tells its id.
fn publish(server: &Server, admin: &str, upstream: SocketAddr) -> Result<String, String> {
    let portal = json!({ "autoApproveDevelopers": true, "autoApproveAccessRequests": true });
    mutate(server, admin, "updatePortal", &portal, "")?;
    let product = mutate(
        server,
        admin,
        "createProduct",
        &json!({ "name": "Bench" }),
        "product { id }",
    )?;
    let product = text(&product["product"]["id"])?;
    let version = json!({ "productId": product, "name": "v1" });
    let version = mutate(server, admin, "createVersion", &version, "version { id }")?;
    let version = text(&version["version"]["id"])?;
    let service = json!({
        "versionId": version, "upstreamUrl": format!("http://{upstream}"), "routes": [{ "paths": [PATH] }],
    });
    mutate(server, admin, "setGatewayService", &service, "")?;
    mutate(
        server,
        admin,
        "enableRegistration",
        &json!({ "versionId": version }),
        "",
    )?;
    mutate(server, admin, "publishProduct", &json!({ "id": product }), "")?;
    Ok(version)
}

/// A developer's access token, and the id of an app of theirs that may call the version.
fn approved_app(server: &Server, admin: &str, version: &str) -> Result<(String, String), String> {
    let (email, password) = DEVELOPER;
    // Anyone may; that an admin asks does no harm.
    let account = json!({ "email": email, "password": password, "fullName": "Dana" });
    mutate(server, admin, "signUp", &account, "")?;
    let developer = server.sign_in(1, &json!({ "email": email, "password": password }))?;
    let app = json!({ "name": "Bench", "referenceId": "bench" });
    let app = mutate(server, &developer, "createApp", &app, "app { id }")?;
    let app = text(&app["app"]["id"])?;
    let request = json!({ "appId": app, "versionId": version });
    let request = mutate(
        server,
        &developer,
        "requestAccess",
        &request,
        "accessRequest { status }",
    )?;
    if request["accessRequest"]["status"] != "APPROVED" {
        return Err(format!("a request was not approved: {request}"));
    }
    Ok((developer, app))
}

/// What a mutation answered; whatever it refused is an error.
fn mutate(server: &Server, token: &str, name: &str, input: &Value, selection: &str) -> Result<Value, String> {
    let document = mutation(name, selection);
    let request = server.request(&document, &json!({ "input": input }), Some(token));
    payload(server.ask(&request)?, name)
}

/// A document; the input's type is called as the mutation is.
fn mutation(name: &str, selection: &str) -> String {
    let (first, rest) = name.split_at(1);
    let kind = first.to_uppercase();
    format!(
        "mutation($input: {kind}{rest}Input!) {{ {name}(input: $input) {{ {selection} userErrors {{ code message }} }} }}"
    )
}

/// The payload of the mutation of this name, unless it holds errors.
pub(super) fn payload(mut answer: Value, name: &str) -> Result<Value, String> {
    let payload = answer["data"][name].take();
    if payload["userErrors"] == json!([]) {
        Ok(payload)
    } else {
        Err(format!("{name} failed: {payload} {answer}"))
    }
}

fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("no text where one belongs: {value}"))
}
