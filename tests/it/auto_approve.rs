//! Automatic approval never undoes a person's decision.

use portico_sdk::{
    AccessRequest, AccessRequestStatus, DeveloperStatus, EnableRegistrationInput, Portico, Realm,
    RejectAccessRequestInput, RevokeAccessRequestInput, SecretString, SignUpInput,
};
use portico_tests::{
    fixture::{self, Published},
    server::{DEVELOPER_PASSWORD, TestDeveloper, TestServer},
    upstream::Upstream,
};

struct Scene {
    server: TestServer,
    admin: Portico,
    published: Published,
    dana: TestDeveloper,
    _upstream: Upstream,
}

async fn scene() -> Scene {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    Scene {
        server,
        admin,
        published,
        dana,
        _upstream: upstream,
    }
}

impl Scene {
    /// Asks with a new app of this reference id.
    async fn ask(&self, developer: &TestDeveloper, reference_id: &str) -> AccessRequest {
        let app = fixture::app(developer, reference_id).await;
        fixture::request(developer, &app, &self.published.version).await
    }

    /// Asks with a new app, and asserts that it waits for a person, at the gateway too.
    async fn waits(&self, developer: &TestDeveloper, reference_id: &str) -> AccessRequest {
        let app = fixture::app(developer, reference_id).await;
        let request = fixture::request(developer, &app, &self.published.version).await;
        assert_eq!(request.status, AccessRequestStatus::Pending, "{reference_id}");
        let (_, key) = fixture::key(developer, &app).await;
        let verdict = self.server.verdict("/mock", Some(&key)).await;
        assert_eq!(verdict, (403, Some("REQUEST_PENDING".to_owned())), "{reference_id}");
        request
    }

    /// Asserts that others are approved automatically all the while.
    async fn others_pass(&self) {
        let eve = self.server.developer(&self.admin, "eve").await;
        assert_eq!(self.ask(&eve, "eves").await.status, AccessRequestStatus::Approved);
    }

    /// Deletes Dana's account, signs up again with the e-mail in another case, and gets the new account approved.
    async fn come_back(&self) -> TestDeveloper {
        self.admin.developers().delete_forced(&self.dana.id).await.unwrap();
        let client = self.server.anonymous();
        let email = "DANA@Example.com";
        let input = SignUpInput::new(email, SecretString::from(DEVELOPER_PASSWORD), "Dana");
        let developer = client.sign_up(input).await.unwrap();
        assert_eq!(developer.status, DeveloperStatus::Pending);
        self.admin.developers().approve(&developer.id, None).await.unwrap();
        client
            .sign_in(Realm::Portal, email, SecretString::from(DEVELOPER_PASSWORD))
            .await
            .unwrap();
        TestDeveloper {
            id: developer.id,
            email: email.to_owned(),
            client,
        }
    }
}

#[tokio::test]
async fn a_revoked_approval_stays_a_no_for_every_app() {
    let scene = scene().await;
    let first = scene.ask(&scene.dana, "first").await;
    assert_eq!(first.status, AccessRequestStatus::Approved);
    let revoke = RevokeAccessRequestInput::new(&first.id, "misuse");
    scene.admin.access_requests().revoke(revoke).await.unwrap();
    let second = scene.waits(&scene.dana, "second").await;
    scene.dana.client.access_requests().cancel(&second.id).await.unwrap();
    scene.waits(&scene.dana, "third").await;
    // Deleting the app that was ruled against does not clear the slate.
    scene.dana.client.apps().delete(&first.app.id).await.unwrap();
    scene.waits(&scene.dana, "first").await;
    let back = scene.come_back().await;
    scene.waits(&back, "fourth").await;
    scene.others_pass().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn a_rejection_stays_a_no_for_every_app() {
    let scene = scene().await;
    let settings = |automatic| EnableRegistrationInput::new(&scene.published.version.id).auto_approve(automatic);
    scene.admin.registrations().enable(settings(false)).await.unwrap();
    let first = scene.ask(&scene.dana, "first").await;
    assert_eq!(first.status, AccessRequestStatus::Pending);
    let reject = RejectAccessRequestInput::new(&first.id, "not you");
    scene.admin.access_requests().reject(reject).await.unwrap();
    scene.admin.registrations().enable(settings(true)).await.unwrap();
    scene.waits(&scene.dana, "second").await;
    scene.dana.client.apps().delete(&first.app.id).await.unwrap();
    let third = scene.waits(&scene.dana, "third").await;
    // Not even a later yes by a person brings the automatic one back.
    scene.admin.access_requests().approve(&third.id, None).await.unwrap();
    scene.waits(&scene.dana, "fourth").await;
    let back = scene.come_back().await;
    scene.waits(&back, "fifth").await;
    scene.others_pass().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn while_an_app_is_suspended_the_developers_other_apps_wait() {
    let scene = scene().await;
    let first = scene.ask(&scene.dana, "first").await;
    scene.admin.apps().suspend(&first.app.id, "checking").await.unwrap();
    scene.waits(&scene.dana, "second").await;
    scene.admin.apps().resume(&first.app.id).await.unwrap();
    assert_eq!(
        scene.ask(&scene.dana, "third").await.status,
        AccessRequestStatus::Approved
    );
    scene.others_pass().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn deleting_a_suspended_app_does_not_end_the_suspicion() {
    let scene = scene().await;
    let first = scene.ask(&scene.dana, "first").await;
    scene.admin.apps().suspend(&first.app.id, "checking").await.unwrap();
    scene.dana.client.apps().delete(&first.app.id).await.unwrap();
    scene.waits(&scene.dana, "second").await;
    let back = scene.come_back().await;
    scene.waits(&back, "third").await;
    scene.others_pass().await;
    scene.server.stop().await;
}
