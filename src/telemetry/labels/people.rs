//! By what signing in, mails to people and entries of the audit log are told apart.

use crate::telemetry::table::label_enums;

label_enums! {
    /// How an attempt to sign in ended.
    SignInOutcome {
        /// Signed in.
        Right = "right",
        /// No such account, or another password.
        Wrong = "wrong",
        /// The right password without the code that the account asks for: the page asks for it next.
        CodeMissing = "code_missing",
        /// The right password, or somebody signed in, with a wrong code.
        WrongCode = "wrong_code",
        /// Refused without a look at the password: too many were wrong.
        Throttled = "throttled",
        /// Not looked at: too many passwords are being checked.
        Busy = "busy",
    }

    /// What became of an entry for an audit log.
    AuditOutcome {
        /// It is in the log.
        Written = "written",
        /// The store did not take it, or not in time.
        Failed = "failed",
        /// Too many wanted to record something in the same log at once: the change was refused.
        Busy = "busy",
        /// A sign-in that was not recorded: too many came at once.
        Dropped = "dropped",
    }

    /// Whom an erasure is of.
    ErasureOf {
        /// Somebody who signs in.
        Account = "account",
        /// A contact.
        Customer = "customer",
    }

    /// What a mail says.
    MailKind {
        /// An invitation into a team.
        Invitation = "invitation",
        /// An operator's invitation to sign up.
        SignUpInvitation = "sign_up_invitation",
        /// A link by which somebody who signs up goes on.
        SignUp = "sign_up",
        /// That there is an account already.
        HasAccount = "has_account",
        /// An operator's link to a new password.
        NewPassword = "new_password",
        /// A link to a new password, for who asked for it.
        ForgottenPassword = "forgotten_password",
        /// That the password is another one.
        PasswordChanged = "password_changed",
        /// A link that confirms another address.
        ConfirmEmail = "confirm_email",
        /// That another address is asked for.
        EmailChangeAsked = "email_change_asked",
        /// That the address is another one.
        EmailChanged = "email_changed",
        /// That an account at an identity provider was connected.
        ProviderConnected = "provider_connected",
        /// That somebody signed in from a device that was not seen before.
        NewDevice = "new_device",
    }

    /// What became of a mail.
    MailOutcome {
        /// The server took it, or it is in its folder.
        Sent = "sent",
        /// Not this time: it is tried again.
        Delayed = "delayed",
        /// Refused for good, or too often for now.
        Failed = "failed",
        /// Not taken: too many wait, or the process ends.
        Dropped = "dropped",
    }

    /// How a sign-in by an identity provider ended.
    ProviderSignIn {
        /// Signed in.
        SignedIn = "signed_in",
        /// Sent to the provider.
        Sent = "sent",
        /// The account of the provider's belongs to a user from now on.
        Connected = "connected",
        /// It came back late, twice, or in another browser.
        Expired = "expired",
        /// The provider's token cannot be believed.
        TokenRefused = "token_refused",
        /// The provider, the tenant's settings or the person's role do not allow it.
        NotAllowed = "not_allowed",
        /// The provider does not answer as it should.
        Unavailable = "unavailable",
        /// Too many at once, or the store did not answer.
        Busy = "busy",
    }
}
