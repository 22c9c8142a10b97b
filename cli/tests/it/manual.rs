//! Completions and manual pages.

use crate::porticoctl::Porticoctl;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shells_complete_it_and_each_command_has_a_page() {
    let porticoctl = Porticoctl::at("http://127.0.0.1:9/graphql".to_owned());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = porticoctl.run(&["completions", shell]).await.succeeded();
        assert!(script.stdout.contains("reference-id"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    porticoctl
        .run(&["manual-pages", folder.path().to_str().unwrap()])
        .await
        .succeeded();
    let page = std::fs::read_to_string(folder.path().join("porticoctl-apps-create.1")).unwrap();
    assert!(page.contains("createApp"), "{page}");
}
