/** The library of a site: the pages of the catalogue, for the videos that the site holds. */
import { Catalogue } from '../catalogue/catalogue.tsx';
import { mountPage } from '../components/page.tsx';

mountPage(() => <Catalogue part="site" />, 'site');
