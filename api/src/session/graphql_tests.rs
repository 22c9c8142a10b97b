use domain::viewer::Viewer;
use serde_json::{Value, json};

use crate::{session::service::test_support::with_lasting_throttle, test_fixture::Fixture};

const SIGN_UP: &str = "mutation ($input: SignUpInput!) { signUp(input: $input) {
    developer { id email fullName status decision { automatic } allowedActions } userErrors { field code } } }";
const SIGN_IN: &str = "mutation ($input: SignInInput!) { signIn(input: $input) { session {
    accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt
    viewer { __typename id email fullName } } userErrors { field code } } }";
const REFRESH: &str = "mutation ($input: RefreshSessionInput!) { refreshSession(input: $input) { session {
    refreshToken viewer { email } } userErrors { field code } } }";
const SIGN_OUT: &str = "mutation ($input: SignOutInput!) { signOut(input: $input) { userErrors { field code } } }";
const RESET: &str =
    "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { userErrors { field code } } }";
const CHANGE: &str =
    "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { userErrors { field code } } }";
const ISSUE: &str = "mutation ($input: IssuePasswordResetInput!) { issuePasswordReset(input: $input) {
    resetToken expiresAt userErrors { field code } } }";
const VIEWER: &str = "{ viewer { __typename id email ... on Developer { status } } }";

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "an engine of analysis";

/// The payload of an operation that nobody signed in for.
async fn anonymously(fixture: &Fixture, document: &str, input: Value) -> Value {
    let mut response = fixture
        .execute(Viewer::Anonymous, document, json!({ "input": input }))
        .await;
    assert!(response.get("errors").is_none(), "{response:#}");
    let data = response["data"].as_object_mut().unwrap();
    data.values_mut().next().unwrap().take()
}

#[tokio::test]
async fn from_signing_up_to_signing_out() {
    let fixture = Fixture::new().await;
    let wanted = json!({"email": EMAIL, "password": PASSWORD, "fullName": " Ada "});
    let signed_up = anonymously(&fixture, SIGN_UP, wanted.clone()).await;
    let id = signed_up["developer"]["id"].clone();
    let expected = json!({"developer": {"id": id, "email": EMAIL, "fullName": "Ada", "status": "PENDING",
        "decision": null, "allowedActions": []}, "userErrors": []});
    assert_eq!(signed_up, expected);
    let taken = anonymously(&fixture, SIGN_UP, wanted).await;
    let expected = json!({"developer": null, "userErrors": [{"field": ["email"], "code": "TAKEN"}]});
    assert_eq!(taken, expected);

    // Without a realm it is the portal's.
    let claimed = json!({"email": EMAIL, "password": PASSWORD});
    let signed_in = anonymously(&fixture, SIGN_IN, claimed).await;
    let session = &signed_in["session"];
    let viewer = json!({"__typename": "Developer", "id": id, "email": EMAIL, "fullName": "Ada"});
    assert_eq!(session["viewer"], viewer);
    for instant in ["accessTokenExpiresAt", "refreshTokenExpiresAt"] {
        assert!(session[instant].as_str().unwrap().ends_with('Z'));
    }
    let admin = json!({"realm": "ADMIN", "email": EMAIL, "password": PASSWORD});
    let refused = anonymously(&fixture, SIGN_IN, admin).await;
    let expected = json!({"session": null, "userErrors": [{"field": null, "code": "INVALID_CREDENTIALS"}]});
    assert_eq!(refused, expected);

    let refreshed = anonymously(&fixture, REFRESH, json!({"refreshToken": session["refreshToken"]})).await;
    assert_eq!(refreshed["session"]["viewer"]["email"], EMAIL);
    let last = json!({"refreshToken": refreshed["session"]["refreshToken"]});
    let done = json!({"userErrors": []});
    assert_eq!(anonymously(&fixture, SIGN_OUT, last.clone()).await, done);
    let over = anonymously(&fixture, REFRESH, last).await;
    let expected = json!({"session": null, "userErrors": [{"field": ["refreshToken"], "code": "INVALID_CREDENTIALS"}]});
    assert_eq!(over, expected);
}

#[tokio::test]
async fn the_viewer_is_who_is_signed_in() {
    let fixture = Fixture::new().await;
    let nobody = fixture.execute(Viewer::Anonymous, VIEWER, json!({})).await;
    assert_eq!(nobody, json!({"data": {"viewer": null}}));
    let id = fixture.developer(EMAIL).await;
    for status in [
        domain::developer::DeveloperStatus::Approved,
        domain::developer::DeveloperStatus::Rejected,
    ] {
        let developer = fixture
            .execute(Viewer::Developer { id, status }, VIEWER, json!({}))
            .await;
        let expected = json!({"__typename": "Developer", "id": id.to_string(), "email": EMAIL, "status": "APPROVED"});
        assert_eq!(developer["data"]["viewer"], expected);
    }
}

#[tokio::test]
async fn passwords_are_reset_and_changed() {
    let fixture = Fixture::new().await;
    let wanted = json!({"email": EMAIL, "password": PASSWORD, "fullName": "Ada"});
    let signed_up = anonymously(&fixture, SIGN_UP, wanted).await;
    let id = signed_up["developer"]["id"].as_str().unwrap();
    let issued = fixture.mutate(ISSUE, json!({ "developerId": id })).await;
    assert_eq!(issued["userErrors"], json!([]));
    let token = issued["resetToken"].as_str().unwrap();
    let new = json!({"resetToken": token, "newPassword": "notes upon the memoir"});
    let done = json!({"userErrors": []});
    assert_eq!(anonymously(&fixture, RESET, new.clone()).await, done);
    let used = json!({"userErrors": [{"field": ["resetToken"], "code": "INVALID_CREDENTIALS"}]});
    assert_eq!(anonymously(&fixture, RESET, new).await, used);

    let change = json!({"input": {"currentPassword": "notes upon the memoir", "newPassword": PASSWORD}});
    let nobody = fixture.execute(Viewer::Anonymous, CHANGE, change.clone()).await;
    assert_eq!(nobody["data"]["changePassword"], json!(null));
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let viewer = Viewer::Developer {
        id: id.parse().unwrap(),
        status: domain::developer::DeveloperStatus::Pending,
    };
    let changed = fixture.execute(viewer, CHANGE, change).await;
    assert_eq!(changed, json!({"data": {"changePassword": {"userErrors": []}}}));
    let claimed = json!({"email": EMAIL, "password": PASSWORD});
    assert_eq!(anonymously(&fixture, SIGN_IN, claimed).await["userErrors"], json!([]));
}

#[tokio::test]
async fn a_throttled_sign_in_says_when_to_come_back() {
    let fixture = with_lasting_throttle().await;
    let wrong = json!({"input": {"email": EMAIL, "password": "x"}});
    let mut response = Value::Null;
    for _ in 0..11 {
        response = fixture.execute(Viewer::Anonymous, SIGN_IN, wrong.clone()).await;
    }
    let extensions = &response["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert!((1..=24 * 60 * 60).contains(&extensions["retryAfterSeconds"].as_u64().unwrap()));
    assert!(!response.to_string().contains(EMAIL));
}
