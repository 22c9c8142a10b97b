//! Whoever runs the command: signing up, in and out, and passwords.

use clap::Subcommand;
use portico_sdk::SignUpInput;

use crate::{
    answer::Outcome,
    choice::RealmChoice,
    failure::Failure,
    input::secret,
    session::{PASSWORD, Session},
};

/// Whoever runs the command.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Sign in, and keep the session in the profile (`signIn`, `refreshSession`)
    ///
    /// The password is read from PORTICO_PASSWORD, or typed, or the first line of standard input; never an argument.
    SignIn {
        /// The account's e-mail address
        #[arg(long, env = "PORTICO_EMAIL", value_name = "ADDRESS")]
        email: String,
        /// Which of the two kinds of accounts: developers' or admins'
        #[arg(long, env = "PORTICO_REALM", ignore_case = true, default_value = "PORTAL")]
        realm: RealmChoice,
    },
    /// End the session, at the server too (`signOut`)
    SignOut,
    /// Show who is signed in (`viewer`)
    Whoami,
    /// Make a developer's account (`signUp`)
    ///
    /// The password is read from PORTICO_PASSWORD, or typed, or the first line of standard input; never an argument.
    SignUp {
        /// The e-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// The developer's name
        #[arg(long, value_name = "NAME")]
        full_name: String,
    },
    /// Change your password; your other sessions end (`changePassword`)
    ///
    /// The passwords are read from PORTICO_PASSWORD and PORTICO_NEW_PASSWORD, or typed, or lines of standard input.
    ChangePassword,
    /// Set a new password with a token from an admin (`resetPassword`)
    ///
    /// They are read from PORTICO_RESET_TOKEN and PORTICO_NEW_PASSWORD, or typed, or lines of standard input.
    ResetPassword,
}

const NEW_PASSWORD: &str = "PORTICO_NEW_PASSWORD";

impl AccountCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<Outcome, Failure> {
        Ok(match self {
            Self::SignIn { email, realm } => {
                let password = secret(PASSWORD, "Password")?;
                let viewer = session.keeping_client()?.sign_in(realm.into(), email, password).await?;
                Outcome::object(&viewer)
            }
            Self::SignOut => {
                if !session.is_kept()? {
                    return Err(session.signed_out());
                }
                session.keeping_client()?.sign_out().await?;
                Outcome::done("Signed out.")
            }
            Self::Whoami => match session.signed_in_client()?.viewer().await? {
                Some(viewer) => Outcome::object(&viewer),
                None => return Err(session.signed_out()),
            },
            Self::SignUp { email, full_name } => {
                let password = secret(PASSWORD, "Password")?;
                let input = SignUpInput::new(email, password, full_name);
                Outcome::object(&session.anonymous_client()?.sign_up(input).await?)
            }
            Self::ChangePassword => {
                let client = session.signed_in_client()?;
                let current = secret(PASSWORD, "Present password")?;
                client
                    .change_password(current, secret(NEW_PASSWORD, "New password")?)
                    .await?;
                Outcome::done("The password is changed. Other sessions have ended.")
            }
            Self::ResetPassword => {
                let token = secret("PORTICO_RESET_TOKEN", "Reset token")?;
                let new = secret(NEW_PASSWORD, "New password")?;
                session.anonymous_client()?.reset_password(token, new).await?;
                Outcome::done("The password is set. Sign in with it.")
            }
        })
    }
}
