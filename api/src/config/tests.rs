use clap::{CommandFactory as _, Parser as _};

use super::*;

#[test]
fn the_arguments_fit_together() {
    Arguments::command().debug_assert();
}

#[test]
fn serving_is_the_default_and_takes_its_flags_without_a_name() {
    let arguments = Arguments::try_parse_from(["portico", "--listen", "127.0.0.1:0", "--gateway-listen", "off"]);
    let arguments = arguments.unwrap();
    assert!(arguments.command.is_none());
    assert_eq!(arguments.serve.gateway_listen, GatewayListen::Off);
}

#[test]
fn the_throttles_flags_say_what_it_does() {
    let serve = |arguments: &[&str]| {
        let all = std::iter::once("portico").chain(arguments.iter().copied());
        Arguments::try_parse_from(all).unwrap().serve
    };
    assert_eq!(serve(&[]).throttle_limits(), ThrottleLimits::default());
    let changed = serve(&["--sign-ins-per-account", "3/7", "--sign-ups-per-address", "1/86400"]);
    let expected = ThrottleLimits {
        sign_in_per_account: Limit::new(3, Duration::from_secs(7)),
        sign_up_per_address: Limit::new(1, Duration::from_secs(86_400)),
        ..ThrottleLimits::default()
    };
    assert_eq!(changed.throttle_limits(), expected);
}

#[test]
fn every_flag_is_explained() {
    let mut command = Arguments::command();
    command.build();
    for subcommand in std::iter::once(&command).chain(command.get_subcommands()) {
        for argument in subcommand.get_arguments() {
            let explained = argument.get_help().is_some() || argument.get_long_help().is_some();
            assert!(explained, "{} of {}", argument.get_id(), subcommand.get_name());
        }
    }
}

#[test]
fn both_planes_take_the_number_of_the_gateways_threads() {
    let number = NonZero::new(3);
    let serve = Arguments::try_parse_from(["portico", "--gateway-workers", "3"]).unwrap();
    assert_eq!(serve.serve.gateway_workers, number);
    let gateway = [
        "portico",
        "gateway",
        "--control-plane",
        "http://127.0.0.1:1",
        "--gateway-workers",
    ];
    let with = |workers| Arguments::try_parse_from(gateway.into_iter().chain([workers]));
    let Some(Command::Gateway(options)) = with("3").unwrap().command else {
        panic!("another command")
    };
    assert_eq!(options.gateway_workers, number);
    assert!(with("0").is_err());
}

#[test]
fn a_database_password_does_not_show() {
    let url: DatabaseUrl = "postgres://u:hunter2@h/n".parse().unwrap();
    assert_eq!(format!("{url:?}"), "postgres://…");
    assert!("mysql://h".parse::<DatabaseUrl>().is_err());
}

#[test]
fn bad_values_are_refused() {
    for arguments in [
        ["--listen", "4000"],
        ["--gateway-listen", "on"],
        ["--gateway-public-url", "gateway"],
        ["--trusted-proxies", "proxy"],
        ["--allowed-origins", "*"],
        ["--allowed-origins", "https://portal.example.com/path"],
        ["--request-timeout", "0"],
        ["--sign-ins-per-address", "60"],
        ["--sign-ins-per-account", "0/60"],
        ["--sign-ins-per-known-address", "10/0"],
        ["--sign-ups-per-address", "-1/9"],
    ] {
        let result = Arguments::try_parse_from(["portico"].into_iter().chain(arguments));
        assert!(result.is_err(), "{arguments:?}");
    }
}
