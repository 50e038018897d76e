namespace Countersign.Pages;

internal partial class Texts
{
    // Systems that decide
    public virtual string Destinations => "Destinations";
    public virtual string DestinationsLede =>
        "Workflow systems that decide in place of people here: a change request in ServiceNow, an approval in Zendesk, another Countersign, or any system that a manifest describes.";
    public virtual string NoDestinations => "No system decides for you yet";
    public virtual string NoDestinationsHint =>
        "Begin below with a system that Countersign knows, or with a manifest of your own.";
    public virtual string System => "System";
    public virtual string OpenQuestions => "Open";
    public virtual string WaitForYou => "Wait for you";
    public virtual string Health => "State";
    public virtual string Paused => "Paused";
    public virtual string AllWell => "In order";
    public virtual string DoesNotAnswer => "does not answer";
    public virtual string FirstNoticed => "first noticed";
    public virtual string AddDestination => "Add a destination";
    public virtual string KnownSystem => "A system that comes with Countersign";
    public virtual string ManifestOfYourOwn => "Or a manifest of your own";
    public virtual string ManifestHint =>
        "The text of a manifest in LaunchDarkly's format; leave it empty to take the one chosen above.";
    public virtual string GoOn => "Go on";
    public virtual string DestinationName => "Name";
    public virtual string DestinationNameHint => "Sources and policies name it so.";
    public virtual string LoadValues => "Load the values to choose from";
    public virtual string AddIt => "Add the destination";
    public virtual string SecretHint => "Kept encrypted and never shown again.";
    public virtual string SecretKeptHint => "Is set. Leave it empty to keep it.";
    public virtual string OAuthBaseUri => "Address of the system";
    public virtual string OAuthAccessToken => "Access token";
    public virtual string OAuthAccessTokenHint => "Either a token that stays, or the four fields below.";
    public virtual string OAuthTokenUrl => "Where to get tokens";
    public virtual string OAuthClientId => "Client id";
    public virtual string OAuthClientSecret => "Client secret";
    public virtual string OAuthScope => "Scope";
    public virtual string TryIt => "Test the connection";
    public virtual string Rehearse => "Show every call";
    public virtual string RehearseHint =>
        "As it would leave for a sample request, with secrets masked. Nothing is sent.";
    public virtual string Pause => "Pause";
    public virtual string Resume => "Resume";
    public virtual string Values => "Values";
    public virtual string SaveValues => "Save the values";
    public virtual string HandedOver => "Handed over";
    public virtual string NothingHandedOver => "Nothing was handed over yet";
    public virtual string NothingHandedOverHint => "Name this destination in a policy, or give it to a source.";
    public virtual string RequestHead => "Request";
    public virtual string TheirId => "Their id";
    public virtual string AsLastSeen => "As last seen";
    public virtual string SeenHead => "Seen";
    public virtual string WhatNext => "What next";
    public virtual string Retry => "Try again now";
    public virtual string HeldWhy => "Nobody knows whether it was opened. Look there first.";
    public virtual string ItExists => "It exists there, under this id";
    public virtual string ItIsNotThere => "It does not exist: send it again";
    public virtual string GiveUp => "Do nothing more";
    public virtual string LastExchange => "Last exchange";
    public virtual string Ticket0 => "Decided elsewhere";

    public virtual string OnlyDecides(string destination) => $"Only {destination} decides this.";

    public virtual string NotHandedOverYet => "It is about to be handed over.";

    public virtual string OpenTicket(string destination) => $"Open it in {destination}";

    public virtual string LinkStateOf(string state) =>
        state switch
        {
            "new" => "about to be sent",
            "sending" => "being sent",
            "unsure" => "being looked for",
            "held" => "held, an admin must look",
            "open" => "open there",
            _ => "over",
        };
}
