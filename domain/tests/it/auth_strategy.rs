use domain::{
    RefusalCode,
    auth_strategy::{check_deletion, credential_ttl_days, is_in_use},
};

#[test]
fn a_ttl_is_one_day_to_ten_years() {
    for (days, accepted) in [
        (i32::MIN, false),
        (-1, false),
        (0, false),
        (1, true),
        (3650, true),
        (3651, false),
    ] {
        let outcome = credential_ttl_days("credentialTtlDays", days);
        assert_eq!(outcome.is_ok(), accepted, "{days}");
        if let Err(refusal) = outcome {
            assert_eq!(
                (refusal.code, refusal.field.join(".")),
                (RefusalCode::Invalid, "credentialTtlDays".to_owned())
            );
        }
    }
}

#[test]
fn deleting_every_combination() {
    for built_in in [false, true] {
        for versions in [0, 1] {
            for credentials in [0, 1] {
                for force in [false, true] {
                    let outcome =
                        check_deletion(built_in, versions, credentials, force).map_err(|refusal| refusal.code);
                    let expected = match (built_in, is_in_use(versions, credentials), force) {
                        (true, _, _) => Err(RefusalCode::Conflict),
                        (false, true, false) => Err(RefusalCode::InUse),
                        (false, true, true) | (false, false, _) => Ok(()),
                    };
                    assert_eq!(outcome, expected, "{built_in} {versions} {credentials} {force}");
                }
            }
        }
    }
    assert!(is_in_use(1, 0) && is_in_use(0, 1) && !is_in_use(0, 0));
}
