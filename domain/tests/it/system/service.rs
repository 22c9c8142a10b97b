//! What the services do, with the domain's rules.

use domain::{
    Refusal, RefusalCode, Timestamp,
    access_request::{self, AccessRequestAction, History, Submission},
    app::{self, AppStatus},
    auth_strategy,
    credential::{self, CredentialStatus, Generation, Rotation},
    developer::{self, DeveloperAction},
    id::DeveloperId,
    limits::Limits,
    portal::PortalSettings,
    product::{self, PublishStep},
    registration::{self, Enabling},
    version,
    viewer::Actor,
};

use super::{
    action::{Action, VERSIONS, Who},
    world::{Account, App, Credential, Request, World, not_found},
};

type Outcome = Result<(), Vec<Refusal>>;

fn one(refusal: Refusal) -> Vec<Refusal> {
    vec![refusal]
}

fn few_keys() -> Limits {
    Limits {
        live_keys_per_app: 4,
        ..Limits::default()
    }
}

fn number_among(number: usize, count: usize) -> Result<usize, Vec<Refusal>> {
    number.checked_rem(count).ok_or_else(not_found)
}

impl World {
    pub(super) fn perform(&mut self, action: &Action) -> Outcome {
        match *action {
            Action::SignUp { email } => self.sign_up(email),
            Action::Developer {
                who,
                email,
                action,
                force,
            } => self.rule_on_developer(who, email, action, force),
            Action::CreateApp { email } => {
                let viewer = self.viewer(Who::Owner, email);
                if !viewer.is_approved_developer() {
                    return Err(not_found());
                }
                self.apps.push(App {
                    email,
                    status: AppStatus::Active,
                    deleted: false,
                });
                Ok(())
            }
            Action::Suspend { who, app } => self.set_app_status(who, app, app::suspend),
            Action::Resume { who, app } => self.set_app_status(who, app, app::resume),
            Action::DeleteApp { who, app } => {
                let app = number_among(app, self.apps.len())?;
                self.actor(who, app)?;
                self.delete_app(app);
                Ok(())
            }
            Action::Submit { who, app, version } => self.submit(who, app, version),
            Action::Request {
                who,
                request,
                action,
                all_of_developer,
            } => self.rule_on_request(who, request, action, all_of_developer),
            Action::Generate {
                who,
                app,
                named,
                life_seconds,
            } => self.generate(who, app, named, life_seconds),
            Action::Rotate {
                who,
                credential,
                overlap_seconds,
            } => self.rotate(who, credential, overlap_seconds),
            Action::RevokeCredential { who, credential } => {
                let number = number_among(credential, self.credentials.len())?;
                self.actor(who, self.credentials[number].app)?;
                credential::check_revocation(self.state(&self.credentials[number])).map_err(one)?;
                self.credentials[number].revoked_at = Some(self.now);
                Ok(())
            }
            Action::Portal {
                is_public,
                auto_approve_developers,
                auto_approve_access_requests,
            } => {
                self.portal = PortalSettings {
                    is_public,
                    auto_approve_developers,
                    auto_approve_access_requests,
                };
                Ok(())
            }
            Action::Publish { product, published } => {
                let present = &mut self.published_at[product];
                let step = if published {
                    product::publish(*present, self.now)
                } else {
                    product::unpublish(*present)
                };
                match step {
                    PublishStep::Changed(published_at) => *present = published_at,
                    PublishStep::Unchanged => {}
                }
                Ok(())
            }
            Action::Lifecycle { version, wanted } => {
                let version = &mut self.versions[version];
                version.lifecycle = version::step(version.lifecycle, wanted).map_err(one)?;
                Ok(())
            }
            Action::Enable {
                version,
                strategy,
                auto_approve,
            } => self.enable(version, strategy, auto_approve),
            Action::Disable { version } => {
                let version = &mut self.versions[version];
                version.registration = registration::disable(&version.registration);
                Ok(())
            }
            Action::DeleteStrategy { strategy, force } => self.delete_strategy(strategy, force),
            Action::Wait { seconds } => {
                self.now = Timestamp::from_millis(self.now.as_millis() + seconds * 1000);
                Ok(())
            }
        }
    }

    fn sign_up(&mut self, email: usize) -> Outcome {
        if self.accounts[email].is_some() {
            return Err(one(Refusal::at("email", RefusalCode::Taken, "It is taken.")));
        }
        let held = self.sign_up_holds.contains(&email);
        let status = developer::sign_up_status(&self.portal, held).map_err(one)?;
        self.accounts[email] = Some(Account {
            id: DeveloperId::new(),
            status,
        });
        Ok(())
    }

    fn rule_on_developer(&mut self, who: Who, email: usize, action: DeveloperAction, force: bool) -> Outcome {
        let account = self.accounts[email].as_ref().ok_or_else(not_found)?;
        let actor = self.viewer(who, email).actor_towards(account.id);
        if !developer::allowed_actions(account.status, actor).contains(&action) {
            return Err(not_found());
        }
        let step = developer::step(account.status, action).map_err(one)?;
        match step {
            Some(status) => self.accounts[email] = Some(Account { id: account.id, status }),
            None => {
                let approved = self.approved_requests(|request| self.apps[request.app].email == email);
                developer::check_deletion(approved, force).map_err(one)?;
                for app in 0..self.apps.len() {
                    if self.apps[app].email == email && !self.apps[app].deleted {
                        self.delete_app(app);
                    }
                }
                self.accounts[email] = None;
            }
        }
        if developer::holds_sign_up(action) {
            self.sign_up_holds.insert(email);
        }
        Ok(())
    }

    fn set_app_status(&mut self, who: Who, app: usize, step: fn(AppStatus) -> Result<AppStatus, Refusal>) -> Outcome {
        let app = number_among(app, self.apps.len())?;
        if self.actor(who, app)? != Actor::Admin {
            return Err(not_found());
        }
        self.apps[app].status = step(self.apps[app].status).map_err(one)?;
        Ok(())
    }

    fn delete_app(&mut self, app: usize) {
        for version in 0..VERSIONS {
            let has_request = self
                .requests
                .iter()
                .any(|request| request.app == app && request.version == version);
            if app::deletion_holds_requests(self.apps[app].status, has_request) {
                self.holds.insert((self.apps[app].email, version));
            }
        }
        self.apps[app].deleted = true;
        self.requests.retain(|request| request.app != app);
    }

    fn submit(&mut self, who: Who, app: usize, version: usize) -> Outcome {
        let app = number_among(app, self.apps.len())?;
        let developer = self.owned_by(who, app)?;
        let email = self.apps[app].email;
        let suspended_app_with_request = self.requests.iter().any(|request| {
            let asking = &self.apps[request.app];
            request.version == version && asking.email == email && asking.status == AppStatus::Suspended
        });
        let version_now = &self.versions[version];
        let submission = Submission {
            portal: self.portal,
            developer,
            app: self.apps[app].status,
            app_bound_to: self.bound_to(app),
            has_open_request: self
                .requests
                .iter()
                .any(|request| request.app == app && request.version == version && request.status.is_open()),
            product_published: self.published_at[version_now.product].is_some(),
            lifecycle: version_now.lifecycle,
            registration: version_now.registration,
            history: History {
                held: self.holds.contains(&(email, version)),
                suspended_app_with_request,
            },
        };
        let status = access_request::submit(&submission, self.now)?.status;
        self.requests.push(Request { app, version, status });
        Ok(())
    }

    fn rule_on_request(&mut self, who: Who, request: usize, action: AccessRequestAction, all: bool) -> Outcome {
        let number = number_among(request, self.requests.len())?;
        let Request { app, version, status } = self.requests[number];
        let actor = self.actor(who, app)?;
        if !access_request::may_take(actor, action) {
            return Err(not_found());
        }
        self.requests[number].status = access_request::step(status, action).map_err(one)?;
        let email = self.apps[app].email;
        if access_request::holds_requests(action) {
            self.holds.insert((email, version));
            if all {
                for other in &mut self.requests {
                    if other.version == version
                        && self.apps[other.app].email == email
                        && let Some(action) = access_request::sweep(other.status)
                    {
                        other.status = access_request::step(other.status, action).map_err(one)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn generate(&mut self, who: Who, app: usize, named: Option<usize>, life_seconds: Option<i64>) -> Outcome {
        let app = number_among(app, self.apps.len())?;
        let developer = self.owned_by(who, app)?;
        let named = named
            .map(|number| self.strategies[number].ok_or_else(not_found))
            .transpose()?;
        let live = self
            .credentials
            .iter()
            .filter(|one| one.app == app && credential::counts_towards_limit(self.state(one), one.replaced));
        let expires_at = life_seconds.map(|seconds| Timestamp::from_millis(self.now.as_millis() + seconds * 1000));
        let generation = Generation {
            developer,
            app: self.apps[app].status,
            app_bound_to: self.bound_to(app),
            live_credentials: live.count() as u64,
            named,
            of_open_requests: &self.open_strategies(app),
            built_in: self.strategies[0].unwrap(),
            expires_at,
        };
        let choice = credential::generate(&generation, &few_keys(), self.now)?;
        self.credentials.push(Credential {
            app,
            strategy: choice.id,
            kind: choice.kind.credential_kind(),
            created_at: self.now,
            expires_at,
            revoked_at: None,
            replaced: false,
        });
        Ok(())
    }

    fn rotate(&mut self, who: Who, credential: usize, overlap_seconds: i32) -> Outcome {
        let number = number_among(credential, self.credentials.len())?;
        let old = self.credentials[number].clone();
        let overlapping = self
            .credentials
            .iter()
            .filter(|one| one.app == old.app && one.replaced && self.state(one) == CredentialStatus::Active);
        let rotation = Rotation {
            developer: self.owned_by(who, old.app)?,
            app: self.apps[old.app].status,
            created_at: old.created_at,
            expires_at: old.expires_at,
            revoked_at: old.revoked_at,
            replaced: old.replaced,
            overlapping: overlapping.count() as u64,
            overlap_seconds,
            wanted_expires_at: None,
        };
        let rotated = credential::rotate(&rotation, &few_keys(), self.now)?;
        self.credentials[number].replaced = true;
        self.credentials[number].expires_at = Some(rotated.old_expires_at);
        self.credentials.push(Credential {
            created_at: self.now,
            expires_at: rotated.new_expires_at,
            ..old
        });
        Ok(())
    }

    fn enable(&mut self, version: usize, strategy: Option<usize>, auto_approve: Option<bool>) -> Outcome {
        let auth_strategy = strategy
            .map(|number| self.strategies[number].ok_or_else(not_found))
            .transpose()?;
        let has_open_requests = self
            .requests
            .iter()
            .any(|request| request.version == version && request.status.is_open());
        let built_in = self.strategies[0].unwrap();
        let wanted = Enabling {
            auth_strategy,
            auto_approve,
        };
        let present = &mut self.versions[version].registration;
        *present = registration::enable(present, has_open_requests, &wanted, built_in).map_err(one)?;
        Ok(())
    }

    fn delete_strategy(&mut self, number: usize, force: bool) -> Outcome {
        let choice = self.strategies[number].ok_or_else(not_found)?;
        let versions = self
            .versions
            .iter()
            .filter(|one| one.registration.auth_strategy == Some(choice))
            .count() as u64;
        let live = self
            .credentials
            .iter()
            .filter(|one| one.strategy == choice.id)
            .filter(|one| self.state(one) == CredentialStatus::Active);
        auth_strategy::check_deletion(number == 0, versions, live.count() as u64, force).map_err(one)?;
        self.strategies[number] = None;
        for version in &mut self.versions {
            if version.registration.auth_strategy == Some(choice) {
                version.registration = registration::without_strategy(&version.registration);
            }
        }
        for credential in self.credentials.iter_mut().filter(|one| one.strategy == choice.id) {
            credential.revoked_at = credential.revoked_at.or(Some(self.now));
        }
        Ok(())
    }
}
