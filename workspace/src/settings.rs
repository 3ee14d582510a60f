//! The settings that clients read: their names, types and defaults.

/// The value that a setting has until it is changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// A truth value.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A text.
    Text(&'static str),
    /// The public address of the server, from the configuration.
    SiteUrl,
    /// The name of the server, from the configuration.
    SiteName,
    /// A random id, made once.
    UniqueId,
}

/// The settings that anybody may read, sorted by name. Clients take a missing one for false.
pub const PUBLIC: &[(&str, Default)] = &[
    ("API_Embed", Default::Bool(false)),
    ("API_Gitlab_URL", Default::Text("")),
    ("API_Use_REST_For_DDP_Calls", Default::Bool(true)),
    ("Accounts_AllowDeleteOwnAccount", Default::Bool(false)),
    ("Accounts_AllowEmailChange", Default::Bool(false)),
    ("Accounts_AllowInvisibleStatusOption", Default::Bool(false)),
    ("Accounts_AllowPasswordChange", Default::Bool(false)),
    ("Accounts_AllowRealNameChange", Default::Bool(true)),
    ("Accounts_AllowUserAvatarChange", Default::Bool(false)),
    ("Accounts_AllowUserProfileChange", Default::Bool(true)),
    (
        "Accounts_AllowUserStatusMessageChange",
        Default::Bool(false),
    ),
    ("Accounts_AllowUsernameChange", Default::Bool(false)),
    (
        "Accounts_AvatarBlockUnauthenticatedAccess",
        Default::Bool(false),
    ),
    ("Accounts_CustomFields", Default::Text("")),
    ("Accounts_Directory_DefaultView", Default::Text("channels")),
    ("Accounts_EmailOrUsernamePlaceholder", Default::Text("")),
    ("Accounts_EmailVerification", Default::Bool(false)),
    ("Accounts_ManuallyApproveNewUsers", Default::Bool(false)),
    ("Accounts_NamePlaceholder", Default::Text("")),
    ("Accounts_PasswordPlaceholder", Default::Text("")),
    ("Accounts_PasswordReset", Default::Bool(false)),
    ("Accounts_Password_Policy_Enabled", Default::Bool(false)),
    ("Accounts_RegistrationForm", Default::Text("Public")),
    (
        "Accounts_RegistrationForm_LinkReplacementText",
        Default::Text(""),
    ),
    ("Accounts_RequireNameForSignUp", Default::Bool(false)),
    ("Accounts_RequirePasswordConfirmation", Default::Bool(true)),
    ("Accounts_SetDefaultAvatar", Default::Bool(false)),
    ("Accounts_ShowFormLogin", Default::Bool(true)),
    (
        "Accounts_TwoFactorAuthentication_Enabled",
        Default::Bool(false),
    ),
    ("Accounts_iframe_enabled", Default::Bool(false)),
    ("Assets_favicon_512", Default::Text("")),
    ("AutoTranslate_Enabled", Default::Bool(false)),
    ("CAS_enabled", Default::Bool(false)),
    ("CAS_login_url", Default::Text("")),
    ("CROWD_Enable", Default::Bool(false)),
    ("Canned_Responses_Enable", Default::Bool(false)),
    ("Discussion_enabled", Default::Bool(false)),
    ("E2E_Enable", Default::Bool(false)),
    ("E2E_Enable_Encrypt_Files", Default::Bool(false)),
    ("E2E_Enabled_Default_DirectRooms", Default::Bool(false)),
    ("E2E_Enabled_Default_PrivateRooms", Default::Bool(false)),
    ("Enterprise_License", Default::Text("")),
    ("Federation_Matrix_enabled", Default::Bool(true)),
    ("FileUpload_Enabled", Default::Bool(false)),
    ("FileUpload_Enabled_Direct", Default::Bool(false)),
    ("FileUpload_MaxFileSize", Default::Int(0)),
    ("FileUpload_MediaTypeBlackList", Default::Text("")),
    ("FileUpload_MediaTypeWhiteList", Default::Text("")),
    ("FileUpload_ProtectFiles", Default::Bool(true)),
    ("First_Channel_After_Login", Default::Text("")),
    ("Force_Screen_Lock", Default::Bool(false)),
    ("Force_Screen_Lock_After", Default::Int(1800)),
    ("Hide_System_Messages", Default::Text("")),
    ("Jitsi_Enabled", Default::Bool(false)),
    ("LDAP_Enable", Default::Bool(false)),
    ("Language", Default::Text("en")),
    ("Layout_Home_Title", Default::Text("")),
    ("Layout_Sidenav_Footer", Default::Text("")),
    (
        "Livechat_request_comment_when_closing_conversation",
        Default::Bool(false),
    ),
    ("Message_AllowDeleting", Default::Bool(true)),
    (
        "Message_AllowDeleting_BlockDeleteInMinutes",
        Default::Int(0),
    ),
    ("Message_AllowEditing", Default::Bool(true)),
    ("Message_AllowEditing_BlockEditInMinutes", Default::Int(0)),
    ("Message_AllowPinning", Default::Bool(false)),
    ("Message_AllowStarring", Default::Bool(false)),
    ("Message_AudioRecorderEnabled", Default::Bool(false)),
    ("Message_Code_highlight", Default::Text("")),
    ("Message_GroupingPeriod", Default::Int(300)),
    ("Message_MaxAllowedSize", Default::Int(5000)),
    ("Message_Read_Receipt_Enabled", Default::Bool(false)),
    ("Message_Read_Receipt_Store_Users", Default::Bool(false)),
    ("Message_ShowDeletedStatus", Default::Bool(false)),
    ("Message_ShowEditedStatus", Default::Bool(true)),
    ("Message_TimeFormat", Default::Text("LT")),
    ("Message_VideoRecorderEnabled", Default::Bool(false)),
    ("Omnichannel_call_provider", Default::Text("none")),
    ("Presence_broadcast_disabled", Default::Bool(true)),
    ("SAML_Custom_Default", Default::Bool(false)),
    ("Show_Setup_Wizard", Default::Text("completed")),
    ("Site_Name", Default::SiteName),
    ("Site_Url", Default::SiteUrl),
    ("Store_Last_Message", Default::Bool(true)),
    ("Threads_enabled", Default::Bool(true)),
    (
        "UI_Allow_room_names_with_special_chars",
        Default::Bool(false),
    ),
    (
        "UI_Unread_Counter_Style",
        Default::Text("Different_Style_For_User_Mentions"),
    ),
    ("UI_Use_Real_Name", Default::Bool(false)),
    (
        "UTF8_Channel_Names_Validation",
        Default::Text("[0-9a-zA-Z-_.]+"),
    ),
    (
        "UTF8_User_Names_Validation",
        Default::Text("[0-9a-z-_.=/+]+"),
    ),
    ("VideoConf_Enable_DMs", Default::Bool(false)),
    ("VideoConf_Enable_Groups", Default::Bool(false)),
    ("uniqueID", Default::UniqueId),
];

/// The default of a setting.
pub fn default_of(id: &str) -> Option<Default> {
    let found = PUBLIC.binary_search_by(|(name, _)| (*name).cmp(id)).ok()?;
    Some(PUBLIC[found].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_found_by_its_name() {
        for (name, default) in PUBLIC {
            assert_eq!(default_of(name), Some(*default), "{name}");
        }
        assert_eq!(default_of("Nonsense"), None);
    }
}
