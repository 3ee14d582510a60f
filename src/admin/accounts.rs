//! `gantry admin` for accounts and registration tokens. The server must not run meanwhile with the
//! embedded engine.

use std::fmt::Write;

use gantry_homeserver::{Account, Homeserver, NewUser as NewAccount, RegistrationToken};
use gantry_model::id::{OwnedUserId, UserId};

use crate::{
    cli::{AccountCommand, NewPassword, NewToken, NewUser},
    config::Config,
    running::Deps,
    wiring::{Offline, WiringError},
};

/// Letters of a password that nobody chose.
const PASSWORD_LENGTH: usize = 20;
/// Accounts read at once.
const PAGE: usize = 500;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The server's parts cannot be built.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// The act was refused.
    #[error("{0}")]
    Refused(#[from] gantry_homeserver::Error),
    /// There is no such user.
    #[error("there is no user {0}")]
    UnknownUser(String),
    /// There is no such registration token.
    #[error("there is no registration token {0}")]
    UnknownToken(String),
}

/// Runs a command on the store of a server and gives what is to be printed.
pub async fn run(
    config: &Config,
    deps: &Deps,
    command: AccountCommand,
) -> Result<String, AccountError> {
    let offline = Offline::open(config, deps).await?;
    let done = act(&offline.homeserver, deps, command).await;
    offline.close().await;
    done
}

async fn act(
    hs: &Homeserver,
    deps: &Deps,
    command: AccountCommand,
) -> Result<String, AccountError> {
    match command {
        AccountCommand::CreateUser(user) => create_user(hs, deps, user).await,
        AccountCommand::ListUsers => list_users(hs).await,
        AccountCommand::ResetPassword(wish) => reset_password(hs, deps, wish).await,
        AccountCommand::Deactivate(wish) => {
            let user = known(hs, &wish.user).await?;
            hs.sessions.deactivate_directly(&user, wish.erase).await?;
            Ok(format!("deactivated {user}\n"))
        }
        AccountCommand::MakeAdmin(wish) => {
            let user = known(hs, &wish.user).await?;
            hs.sessions.set_admin_directly(&user, !wish.revoke).await?;
            Ok(match wish.revoke {
                false => format!("{user} is an administrator\n"),
                true => format!("{user} is no administrator\n"),
            })
        }
        AccountCommand::CreateToken(wish) => create_token(hs, wish).await,
        AccountCommand::ListTokens => {
            let tokens = hs.sessions.registration_tokens_directly().await?;
            Ok(tokens.iter().map(token_line).collect())
        }
        AccountCommand::DeleteToken(old) => {
            let sessions = &hs.sessions;
            if sessions
                .delete_registration_token_directly(&old.token)
                .await?
            {
                Ok(format!("deleted {}\n", old.token))
            } else {
                Err(AccountError::UnknownToken(old.token))
            }
        }
    }
}

async fn create_user(hs: &Homeserver, deps: &Deps, user: NewUser) -> Result<String, AccountError> {
    let password = password_or_new(deps, user.password.as_deref());
    let options = NewAccount {
        admin: user.admin,
        display_name: None,
    };
    let created = hs
        .sessions
        .register_directly(&user.name, &password, options)
        .await?;
    Ok(match user.password {
        Some(_) => format!("created {created}\n"),
        None => format!("created {created} with the password {password}\n"),
    })
}

async fn list_users(hs: &Homeserver) -> Result<String, AccountError> {
    let mut out = String::new();
    let mut last: Option<OwnedUserId> = None;
    loop {
        let page = hs.sessions.list_accounts(last.as_deref(), PAGE).await?;
        for account in &page {
            writeln!(out, "{}", user_line(account)).expect("writing to a string does not fail");
        }
        last = page.last().map(|account| account.user_id.clone());
        if page.len() < PAGE {
            return Ok(out);
        }
    }
}

async fn reset_password(
    hs: &Homeserver,
    deps: &Deps,
    wish: NewPassword,
) -> Result<String, AccountError> {
    let user = known(hs, &wish.user).await?;
    let password = password_or_new(deps, wish.password.as_deref());
    hs.sessions
        .reset_password(&user, &password, !wish.keep_sessions)
        .await?;
    Ok(match wish.password {
        Some(_) => format!("the password of {user} is another one\n"),
        None => format!("the password of {user} is {password}\n"),
    })
}

async fn create_token(hs: &Homeserver, wish: NewToken) -> Result<String, AccountError> {
    let lifetime = wish.hours.map(|hours| hours.saturating_mul(3_600_000));
    let token = hs
        .sessions
        .create_registration_token_directly(wish.token, wish.uses, lifetime)
        .await?;
    Ok(format!("{}\n", token.token))
}

/// The user of this server that is named by his id or the local part of it.
async fn known(hs: &Homeserver, named: &str) -> Result<OwnedUserId, AccountError> {
    let unknown = || AccountError::UnknownUser(named.to_owned());
    let full = if named.starts_with('@') {
        named.to_owned()
    } else {
        format!("@{named}:{}", hs.config().server_name)
    };
    let user = UserId::parse(full).map_err(|_| unknown())?;
    let account = hs.sessions.account(&user).await?;
    account.map(|account| account.user_id).ok_or_else(unknown)
}

fn password_or_new(deps: &Deps, password: Option<&str>) -> String {
    password.map_or_else(|| deps.rng.alphanumeric(PASSWORD_LENGTH), str::to_owned)
}

fn user_line(account: &Account) -> String {
    let facts = [
        (account.admin, "administrator"),
        (account.guest, "guest"),
        (account.deactivated, "deactivated"),
        (account.locked, "locked"),
        (account.suspended, "suspended"),
    ];
    let facts = facts.into_iter().filter(|(holds, _)| *holds);
    let name = account.display_name.iter().map(String::as_str);
    let mut parts = vec![account.user_id.as_str()];
    parts.extend(name);
    parts.extend(facts.map(|(_, word)| word));
    parts.join("\t")
}

fn token_line(token: &RegistrationToken) -> String {
    let allowed = token
        .uses_allowed
        .map_or_else(|| "any".to_owned(), |uses| uses.to_string());
    let end = token
        .expires_ts
        .map_or_else(|| "never".to_owned(), |ts| ts.to_string());
    format!(
        "{}\tused {} of {allowed}\tends {end}\n",
        token.token, token.used
    )
}
