"""What buttons say before something happens, by consequence, in English, German, French, Spanish, Italian, Portuguese.

Words are claims by the screen. They can only make a consequence worse, never better; what a form or a link really
does comes from its method, its fields and its destination.
"""

from __future__ import annotations

from policies.words import Phrases

__all__ = [
    "BENIGN",
    "BUY",
    "CARD",
    "DELETE",
    "EXTRA",
    "INSURANCE",
    "MOVE",
    "NO_EXTRA",
    "PATH_DELETE",
    "PATH_PAY",
    "PATH_SUBMIT",
    "REVEAL",
    "SEND",
    "SUBMIT",
]


def _phrases(text: str) -> Phrases:
    """Phrases separated by commas or line ends."""
    return Phrases(part for line in text.splitlines() for part in line.split(","))


BUY = _phrases("""
pay, pay now, paying, buy, buy now, purchase, order, order now, place order, book, book now, reserve, subscribe, donate
transfer, checkout, check out, bid, invest, top up, rent, renew, withdraw, wire, start trial, start free trial
confirm payment, confirm booking, confirm order, complete booking, add funds, send money, repay, prepay
kaufen, bezahlen, zahlen, zahlungspflichtig, kostenpflichtig, bestellen, buchen, abonnieren, spenden, überweisen
zur kasse, reservieren, mieten, aufladen, kauf abschließen, bestellung aufgeben, buchung bestätigen
acheter, payer, commander, réserver, abonner, faire un don, virer, régler, louer, passer la commande
comprar, pagar, reservar, suscribirse, suscribir, donar, transferir, realizar pedido, contratar, alquilar, hacer pedido
acquista, acquistare, compra, comprare, paga, pagare, ordina, ordinare, prenota, prenotare, abbonati, abbonarsi, dona
donare, bonifico, noleggia
encomendar, assinar, doar, finalizar compra, finalizar pedido, alugar, fazer pedido
""")

DELETE = _phrases("""
delete, deleting, remove, discard, erase, destroy, deactivate, wipe, purge, trash, revoke, uninstall, unsubscribe
empty trash, empty bin, factory reset, close account, close my account, cancel booking, cancel my booking, cancel order
cancel reservation, cancel subscription, cancel flight, cancel trip, cancel membership, cancel account, cancel ticket
terminate, format disk, clear all data, clear data, reset all, overwrite
löschen, entfernen, stornieren, kündigen, verwerfen, deaktivieren, konto schließen, abbestellen, zurücksetzen
supprimer, effacer, annuler la réservation, annuler la commande, résilier, désactiver, désabonner, fermer le compte
jeter, retirer
eliminar, borrar, cancelar reserva, cancelar la reserva, cancelar pedido, darse de baja, descartar, quitar
cerrar cuenta, desactivar
elimina, eliminare, cancella, cancellare, rimuovi, rimuovere, disdici, disdire, annulla prenotazione, chiudi account
disattiva, scarta
excluir, apagar, remover, cancelar a reserva, encerrar conta, desativar, limpar tudo
""")

SEND = _phrases("""
send, post, publish, share, reply, reply all, invite, tweet, retweet, repost, forward, call, dial, broadcast, comment
submit review, go live, make public
senden, absenden, abschicken, veröffentlichen, teilen, antworten, einladen, weiterleiten, anrufen, posten
envoyer, publier, partager, répondre, inviter, transférer, appeler
enviar, publicar, compartir, responder, invitar, reenviar, llamar
invia, inviare, pubblica, pubblicare, condividi, rispondi, invita, inoltra, chiama
compartilhar, partilhar, convidar, encaminhar, ligar, postar
""")

REVEAL = _phrases("""
reveal, unmask, export, show password, show passwords, view password, show card, show card number, show pin, show key
show secret, show token, view secret, copy key, copy token, copy password, download key, download keys, api key
private key, recovery codes, backup codes, seed phrase, recovery phrase, download my data, download backup
passwort anzeigen, kennwort anzeigen, exportieren, schlüssel herunterladen
afficher le mot de passe, révéler, exporter
mostrar contraseña, mostrar la contraseña, revelar, exportar
mostra password, rivela, esporta, mostra la password
mostrar senha, mostrar palavra passe
""")

SUBMIT = _phrases("""
submit, confirm, save, ok, okay, yes, accept, accept all, agree, allow, approve, apply, continue, proceed, finish
complete, done, register, sign up, signup, sign in, signin, log in, login, log out, logout, sign out, signout, upload
install, enable, disable, grant, connect, authorize, authorise, join, follow, like, vote, create, add, update, start
run, import, rename, upgrade, enroll, enrol, activate, claim, redeem, decline, reject, cancel
bestätigen, speichern, ja, akzeptieren, zustimmen, weiter, fertig, anmelden, abmelden, registrieren, hochladen
erlauben, einloggen, ausloggen, übernehmen, hinzufügen, anlegen, ablehnen
confirmer, enregistrer, oui, accepter, autoriser, continuer, terminer, connexion, déconnexion, connecter, déconnecter
valider, ajouter, créer, refuser, inscrire
confirmar, guardar, sí, aceptar, permitir, continuar, terminar, iniciar sesión, cerrar sesión, registrarse, añadir
crear, rechazar, entrar
conferma, confermare, salva, salvare, accetta, accettare, consenti, continua, fine, accedi, esci, registrati, aggiungi
crea, rifiuta
salvar, aceitar, concluir, sair, cadastrar, adicionar, criar, recusar, sim
""")

MOVE = _phrases("""
search, find, filter, filters, sort, next, previous, back, close, menu, more, show more, view, open, expand, collapse
help, home, zoom
suchen, filtern, sortieren, nächste, zurück, schließen, menü, mehr, chercher, rechercher, filtrer, trier, suivant
retour, fermer, buscar, filtrar, ordenar, siguiente, volver, cerrar, cerca, filtra, avanti, indietro, chiudi
pesquisar, próximo, voltar, fechar
""")

BENIGN = _phrases("""
order by, sort order, order history, order details, order status, order number, order summary, track order
remove filter, remove filters, delete filter, book club, post code, postal code, post office, call sign
address book, guest book, sort by, share price, share prices, transfer time, transfer times, order tracking
how to pay, how to book, how to order, ways to pay, book a demo
""")
"""Things a link may be called without doing them. Never used for a button that submits a form."""

CARD = _phrases("""
card number, credit card, debit card, name on card, cardholder, security code, cvv, cvc, expiry date, iban
kartennummer, kreditkarte, prüfziffer, numéro de carte, carte bancaire, carte de crédit, cryptogramme
número de tarjeta, tarjeta de crédito, numero di carta, carta di credito, número do cartão, cartão de crédito
""")

EXTRA = _phrases("""
insurance, protection, warranty, voucher, gift card, upgrade, add, extra, extras, donation, tip, premium, priority
versicherung, reiseversicherung, reiseschutz, garantie, gutschein, zusatz, hinzufügen, spende, trinkgeld
assurance, protection, bon cadeau, supplément, ajouter, don, pourboire
seguro, garantía, cupón, suplemento, añadir, donación, propina
assicurazione, garanzia, buono, supplemento, aggiungi, donazione, mancia
proteção, garantia, vale, adicionar, doação, gorjeta
""")
INSURANCE = _phrases("""
insurance, protection plan, extended warranty, donation, tip, versicherung, reiseversicherung, reiseschutz, spende
trinkgeld, assurance, don, pourboire, seguro, donación, propina, assicurazione, donazione, mancia, doação, gorjeta
""")
"""Extras that cost money whether or not the label says how much."""

NO_EXTRA = _phrases("no, without, decline, skip, ohne, kein, keine, sans, non, sin, senza, sem, não, nein")

PATH_DELETE = _phrases("delete, remove, destroy, unsubscribe, deactivate, erase, purge, cancel, supprimer, eliminar")
PATH_PAY = _phrases("buy, pay, purchase, donate")
PATH_SUBMIT = _phrases("logout, signout, sign out, log out, logoff, abmelden, confirm, vote, follow")
"""Whole words of an address's path, for links and forms whose label does not tell."""
