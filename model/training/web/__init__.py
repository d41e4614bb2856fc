r"""Pages rendered by Chromium, with the place of every character and control, to train and to examine the model on.

Nothing here is needed at run time. Fonts and icon packages are those that are installed; none ship with the project. The
more there are, the more pages differ; what was trained with:

    npm install --ignore-scripts --prefix ICONS @tabler/icons lucide-static bootstrap-icons @mdi/svg remixicon \
        @fortawesome/fontawesome-free @primer/octicons @material-design-icons/svg \
        ionicons heroicons @phosphor-icons/core
    apt-get install fonts-dejavu fonts-liberation fonts-noto-core fonts-roboto fonts-open-sans fonts-lato fonts-inter \
        fonts-firacode fonts-quicksand fonts-go fonts-clear-sans fonts-dosis fonts-ebgaramond fonts-texgyre \
        fonts-cantarell fonts-crosextra-carlito fonts-karla fonts-hack fonts-jetbrains-mono fonts-manrope fonts-b612

The last three icon packages and the last seven fonts are the examination's. `styles.FONTS` and `icons.FAMILIES` hold the
whole lists.
"""
