use domain::{
    RefusalCode,
    auth_strategy::AuthStrategyType,
    credential::StrategyChoice,
    id::{AuthStrategyId, VersionId},
    plugin::{Plugin, PluginStrategy, plugins},
    registration::{Enabled, Enabling, Registration, disable, enable, enable_all, without_strategy},
};

fn strategy(number: u128) -> StrategyChoice {
    StrategyChoice {
        id: AuthStrategyId::from_uuid(uuid::Uuid::from_u128(number)),
        kind: AuthStrategyType::KeyAuth,
    }
}

fn built_in() -> StrategyChoice {
    strategy(1)
}

#[test]
fn every_combination_of_present_and_wanted_settings() {
    for enabled in [false, true] {
        for auto_approve in [false, true] {
            for present_strategy in [None, Some(built_in()), Some(strategy(2))] {
                for wanted_strategy in [None, Some(built_in()), Some(strategy(2))] {
                    for wanted_auto_approve in [None, Some(false), Some(true)] {
                        for has_open_requests in [false, true] {
                            let present = Registration {
                                enabled,
                                auto_approve,
                                auth_strategy: present_strategy,
                            };
                            let wanted = Enabling {
                                auth_strategy: wanted_strategy,
                                auto_approve: wanted_auto_approve,
                            };
                            let outcome = enable(&present, has_open_requests, &wanted, built_in());
                            let context = format!("{present:?} {wanted:?} {has_open_requests}");
                            let replaced = present_strategy.is_some()
                                && wanted_strategy.is_some()
                                && present_strategy != wanted_strategy;
                            if replaced && has_open_requests {
                                let refusal = outcome.unwrap_err();
                                assert_eq!(refusal.code, RefusalCode::InUse, "{context}");
                                assert_eq!(refusal.field, ["authStrategyId"]);
                                continue;
                            }
                            let reached = outcome.unwrap();
                            assert!(reached.enabled, "{context}");
                            assert_eq!(
                                reached.auto_approve,
                                wanted_auto_approve.unwrap_or(auto_approve),
                                "{context}"
                            );
                            let expected = wanted_strategy.or(present_strategy).or(Some(built_in()));
                            assert_eq!(reached.auth_strategy, expected, "{context}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_new_version_gets_key_auth_and_waits_for_admins() {
    let reached = enable(&Registration::default(), false, &Enabling::default(), built_in()).unwrap();
    assert_eq!(
        reached,
        Registration {
            enabled: true,
            auto_approve: false,
            auth_strategy: Some(built_in())
        }
    );
}

#[test]
fn disabling_keeps_the_strategy_and_is_repeatable() {
    let present = Registration {
        enabled: true,
        auto_approve: true,
        auth_strategy: Some(strategy(2)),
    };
    let disabled = disable(&present);
    assert_eq!(
        disabled,
        Registration {
            enabled: false,
            ..present
        }
    );
    assert_eq!(disable(&disabled), disabled);
    assert_eq!(enable(&disabled, true, &Enabling::default(), built_in()), Ok(present));
}

#[test]
fn without_its_strategy_a_version_takes_no_requests() {
    let present = Registration {
        enabled: true,
        auto_approve: true,
        auth_strategy: Some(strategy(2)),
    };
    let left = without_strategy(&present);
    assert_eq!((left.enabled, left.auth_strategy), (false, None));
}

#[test]
fn all_versions_or_none() {
    let wanted = Enabling {
        auth_strategy: Some(strategy(2)),
        auto_approve: None,
    };
    let fresh = Enabled {
        name: "v1",
        present: Registration::default(),
        has_open_requests: false,
    };
    let busy = Enabled {
        name: "v2",
        present: Registration {
            enabled: true,
            auto_approve: true,
            auth_strategy: Some(built_in()),
        },
        has_open_requests: true,
    };
    let refusals = enable_all(&[fresh, busy], &wanted, built_in()).unwrap_err();
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0].message.contains("v2"), "{}", refusals[0].message);
    let free = Enabled {
        has_open_requests: false,
        ..busy
    };
    let reached = enable_all(&[fresh, free], &wanted, built_in()).unwrap();
    assert_eq!(
        reached.iter().map(|one| one.auto_approve).collect::<Vec<_>>(),
        [false, true]
    );
    assert!(reached.iter().all(|one| one.auth_strategy == Some(strategy(2))));
}

#[test]
fn plugins_follow_from_the_strategy_alone() {
    let version = VersionId::new();
    let key_names = ["apikey".to_owned()];
    let strategy = PluginStrategy {
        kind: AuthStrategyType::KeyAuth,
        key_names: &key_names,
        credential_ttl_days: Some(7),
    };
    assert_eq!(plugins(version, None), []);
    let shown = plugins(version, Some(&strategy));
    assert_eq!(shown.iter().map(Plugin::name).collect::<Vec<_>>(), ["acl", "key-auth"]);
    assert_eq!(shown[0], Plugin::Acl { allow: version });
    assert_eq!(
        shown[1],
        Plugin::KeyAuth {
            key_names: key_names.to_vec(),
            credential_ttl_days: Some(7)
        }
    );
    let provider = PluginStrategy {
        kind: AuthStrategyType::OpenidConnect,
        ..strategy
    };
    assert_eq!(plugins(version, Some(&provider))[1].name(), "openid-connect");
}
