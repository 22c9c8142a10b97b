use std::collections::HashSet;

use domain::audit::AuditAction;
use strum::IntoEnumIterator as _;

#[test]
fn names_are_unique_and_read_back() {
    let names: HashSet<&str> = AuditAction::iter().map(AuditAction::name).collect();
    assert_eq!(names.len(), AuditAction::iter().count());
    for action in AuditAction::iter() {
        assert_eq!(action.name().parse(), Ok(action));
        assert_eq!(action.to_string(), action.name());
        let (what, verb) = action.name().split_once('.').unwrap();
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(plain(what) && plain(verb), "{action}");
    }
}

#[test]
fn the_names_that_are_stored_do_not_change() {
    let names: Vec<&str> = AuditAction::iter().map(AuditAction::name).collect();
    assert_eq!(
        names.join(" "),
        "access_request.approve access_request.cancel access_request.reject access_request.revoke \
         access_request.submit account.change_password account.reset_password admin.create admin.reset_password \
         app.create app.delete app.resume app.suspend app.update auth_strategy.create auth_strategy.delete \
         auth_strategy.update credential.generate credential.revoke credential.rotate developer.approve \
         developer.delete developer.issue_password_reset developer.reject developer.revoke developer.sign_up \
         gateway_service.remove gateway_service.set gateway_token.create gateway_token.revoke portal.update \
         product.create product.delete product.publish product.unpublish product.update registration.disable registration.enable session.refresh_reuse \
         session.sign_in session.sign_in_failed session.sign_out version.create version.delete \
         version.set_lifecycle version.update"
    );
}
