//! Settings in the environment as people and containers write them, and the program's exit if they are wrong.

use std::process::Stdio;

use crate::support::{PROGRAM, Program, in_time};

#[tokio::test]
async fn empty_variables_are_not_set() {
    let data = tempfile::tempdir().unwrap();
    let help = tokio::process::Command::new(PROGRAM).arg("--help").output().await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    // All settings that exist.
    let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
    let own = |name: &&str| !matches!(*name, "IDOBATA_LISTEN" | "IDOBATA_DATA" | "DATABASE_URL");
    let emptied: String = names.filter(own).map(|name| format!("{name}= ")).collect();
    assert!(emptied.contains("IDOBATA_JWT_ISSUER= ") && emptied.contains("REDIS_URL= "), "{emptied}");
    for value in ["", "' '"] {
        let script = format!("{} exec \"$@\"", emptied.replace("= ", &format!("={value} ")));
        let mut program = Program::in_shell(&script, data.path(), &[], Stdio::null()).await;
        assert_eq!(reqwest::get(format!("{}/readyz", program.url)).await.unwrap().status(), 200);
        assert_eq!(program.signal("-TERM").await, Some(0));
    }
}

#[tokio::test]
async fn an_empty_issuer_locks_nobody_out() {
    use serde_json::json;
    let data = tempfile::tempdir().unwrap();
    let secret = "0123456789abcdef0123456789abcdef";
    let script = format!("IDOBATA_JWT_ISSUER= IDOBATA_JWT_AUDIENCE= JWT_SECRET={secret} exec \"$@\"");
    let program = Program::in_shell(&script, data.path(), &["--auth", "jwt"], Stdio::null()).await;
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    let claims = json!({ "sub": "7", "name": "alice", "exp": 4_000_000_000_u64 });
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let request = reqwest::Client::new().get(format!("{}/api/session", program.url)).bearer_auth(token);
    let session = request.send().await.unwrap().text().await.unwrap();
    assert!(session.contains("alice"), "{session}");
}

#[tokio::test]
async fn yes_and_no_are_taken_as_they_are_usually_written() {
    for (value, is_open) in
        [("yes", true), ("On", true), ("1", true), ("no", false), ("off", false), ("0", false)]
    {
        let data = tempfile::tempdir().unwrap();
        let mut child = tokio::process::Command::new(PROGRAM);
        child.args(["--listen", "0.0.0.0:0", "--database-url", "sqlite:", "--data"]).arg(data.path());
        child.env("IDOBATA_OPEN_TO_GUESTS", value).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = child.spawn().unwrap();
        let mut lines = tokio::io::BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        in_time(async {
            while !said.contains("listening on") && !said.contains("--open-to-guests") {
                use tokio::io::AsyncBufReadExt;
                assert_ne!(lines.read_line(&mut said).await.unwrap(), 0, "{said}");
            }
        })
        .await;
        assert_eq!(said.contains("listening on"), is_open, "{value}: {said}");
    }
}

#[tokio::test]
async fn a_wrong_setting_ends_with_two_and_what_may_pass_with_one() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    for (settings, environment, code) in [
        (vec!["--feed-age", "soon"], vec![], 2),
        (vec!["--listen", "0.0.0.0:0"], vec![], 2),
        (vec!["--listen", "127.0.0.1:0"], vec![("JWT_SECRET", "short")], 2),
        (vec!["--listen", "127.0.0.1:0", "--auth", "jwt"], vec![], 2),
        (vec!["--listen", "127.0.0.1:0", "--redis-url", "redis://127.0.0.1:1"], vec![], 2),
        (vec!["--listen", "127.0.0.1:0", "--open-channels", "home-*@home"], vec![], 2),
        (vec!["--listen", "127.0.0.1:0", "--open-channels", "a*b@10.0.0.0/8"], vec![], 2),
        (vec!["--listen", "192.0.2.1:3000", "--open-to-guests"], vec![], 1),
        (vec!["health", "--listen", "127.0.0.1:1"], vec![], 1),
    ] {
        let mut command = tokio::process::Command::new(PROGRAM);
        if settings[0] != "health" {
            command.args(["--database-url", "sqlite:", "--data", folder]);
        }
        command.args(&settings).envs(environment).kill_on_drop(true);
        let output = in_time(command.output()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{settings:?}: {said}");
    }
}

#[tokio::test]
async fn misspelt_names_are_told() {
    let data = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(PROGRAM)
        .args(["--listen", "192.0.2.1:3000", "--open-to-guests", "--database-url", "sqlite:", "--data"])
        .arg(data.path())
        .env("IDOBATA_JWT_ISUER", "secret")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("IDOBATA_JWT_ISUER (did you mean IDOBATA_JWT_ISSUER?)"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test]
async fn the_health_check_says_what_readyz_says() {
    let data = tempfile::tempdir().unwrap();
    let program = Program::start(data.path()).await;
    let listen = program.url.strip_prefix("http://").unwrap();
    let ask = async || {
        let asked =
            tokio::process::Command::new(PROGRAM).arg("health").env("IDOBATA_LISTEN", listen).output();
        in_time(asked).await.unwrap()
    };
    let output = ask().await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "it says nothing");
    std::fs::rename(data.path().join("idobata.db"), data.path().join("away")).unwrap();
    let output = in_time(async {
        loop {
            let output = ask().await;
            if !output.status.success() {
                return output;
            }
        }
    });
    let output = output.await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("not ready: 503"), "{said}");
}

#[tokio::test]
async fn the_limit_of_descriptors_is_raised() {
    let data = tempfile::tempdir().unwrap();
    let script = "ulimit -Sn 100; exec \"$@\"";
    let program = Program::in_shell(script, data.path(), &[], Stdio::null()).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.id())).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let figures: Vec<_> = limit.split_ascii_whitespace().skip(3).take(2).collect();
    assert_eq!(figures[0], figures[1], "{limit}");
}
